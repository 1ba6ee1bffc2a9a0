// SPDX-License-Identifier: AGPL-3.0-or-later
// A standard gRPC client, of another make, is served like a node.
#include <cstdlib>
#include <fstream>

#include <fmt/format.h>

#include "support/temporary_folder.hpp"
#include "two_nodes.hpp"

namespace kadenza::distributed::rpc {
namespace {

using namespace testing;

void write(const std::filesystem::path& file, const std::string& text) {
  std::ofstream(file) << text;
}

TEST(GrpcClient, IsServedWithAMembersCertificate) {
  const TestAuthority authority;
  ServingNode there(authority);
  const auto key = *identity::NodeKey::generate();
  const kadenza::testing::TemporaryFolder folder;
  write(folder.path() / "authorities.pem", authority.pem());
  write(folder.path() / "certificate.pem", authority.certify(key));
  write(folder.path() / "key.pem", *key.pem());
  const auto command = fmt::format("/usr/bin/python3 {} {} {} {}", KADENZA_GRPC_CLIENT,
                                   folder.path().string(), there.endpoint().port(), there.key.id().text());
  EXPECT_EQ(std::system(command.c_str()), 0);
  EXPECT_EQ(there.last_caller, key.id());
  EXPECT_TRUE(eventually([&] { return there.cancelled == 1; })) << "its deadline cancels the handler";
}

}  // namespace
}  // namespace kadenza::distributed::rpc
