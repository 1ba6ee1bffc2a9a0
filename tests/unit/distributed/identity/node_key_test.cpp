// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/identity/node_key.hpp"

#include <fstream>

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <sys/stat.h>

#include "core/sha256.hpp"
#include "support/temporary_folder.hpp"

namespace kadenza::distributed::identity {
namespace {

TEST(NodeKey, IsMadeOnceAndKept) {
  const kadenza::testing::TemporaryFolder folder;
  const auto file = folder.path() / "node.key";
  const auto made = NodeKey::load_or_create(file);
  ASSERT_TRUE(made);
  struct stat status {};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  const auto loaded = NodeKey::load_or_create(file);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->id(), made->id());
  EXPECT_NE(NodeKey::generate()->id(), made->id());
}

TEST(NodeKey, IdIsTheHashOfThePublicKey) {
  const auto key = NodeKey::generate();
  ASSERT_TRUE(key);
  std::array<std::uint8_t, 32> raw{};
  std::size_t size = raw.size();
  ASSERT_EQ(EVP_PKEY_get_raw_public_key(key->handle(), raw.data(), &size), 1);
  EXPECT_EQ(key->id().bytes, core::sha256(raw).bytes);
}

TEST(NodeKey, RefusesOtherFilesAndOnesThatOthersMayRead) {
  const kadenza::testing::TemporaryFolder folder;
  const auto file = folder.path() / "node.key";
  std::ofstream(file) << "not a key\n";
  ASSERT_EQ(::chmod(file.c_str(), 0600), 0);
  EXPECT_EQ(NodeKey::load_or_create(file).error().code, core::Errc::kCorrupted);
  ASSERT_EQ(::chmod(file.c_str(), 0644), 0);
  EXPECT_EQ(NodeKey::load_or_create(file).error().code, core::Errc::kForbidden);
}

}  // namespace
}  // namespace kadenza::distributed::identity
