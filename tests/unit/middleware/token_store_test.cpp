// SPDX-License-Identifier: AGPL-3.0-or-later
#include "middleware/token_store.hpp"

#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "support/temporary_folder.hpp"

namespace kadenza::middleware {
namespace {

const Endpoint kNode{false, "127.0.0.1", 4747, ""};

TEST(TokenStore, KeepsOneTokenForEachNodeForItsOwnerOnly) {
  const testing::TemporaryFolder folder;
  const TokenStore store(folder.path() / "kadenza" / "tokens");
  EXPECT_FALSE(store.load(kNode));
  ASSERT_TRUE(store.save(kNode, "abc"));
  EXPECT_EQ(store.load(kNode), "abc");
  EXPECT_FALSE(store.load({false, "127.0.0.1", 4748, ""}));

  const auto file = folder.path() / "kadenza" / "tokens" / "127.0.0.1_4747";
  struct stat status {};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  ASSERT_EQ(::stat(file.parent_path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0700U);

  store.remove(kNode);
  EXPECT_FALSE(store.load(kNode));
}

TEST(TokenStore, LocalhostFindsTheLoopbackAddress) {
  const testing::TemporaryFolder folder;
  const TokenStore store(folder.path());
  ASSERT_TRUE(store.save(kNode, "abc"));
  EXPECT_EQ(store.load({false, "localhost", 4747, ""}), "abc");
}

TEST(TokenStore, ATokenCannotSmuggleHeaders) {
  const testing::TemporaryFolder folder;
  const TokenStore store(folder.path());
  EXPECT_FALSE(store.save(kNode, "abc\r\nX: y"));
  std::ofstream(folder.path() / "127.0.0.1_4747") << "abc\rX: y\n";
  EXPECT_FALSE(store.load(kNode));
}

}  // namespace
}  // namespace kadenza::middleware
