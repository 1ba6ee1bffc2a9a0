// SPDX-License-Identifier: AGPL-3.0-or-later
// Full disks and the configured capacity.
#include <csignal>

#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store_folder.hpp"

namespace kadenza::services::blobs {
namespace {

using core::Errc;

class CapacityTest : public StoreFolder {};

TEST_F(CapacityTest, WhatDoesNotFitIsRefusedAtOnce) {
  auto blobs = open_store(1'000'000);
  ASSERT_TRUE(blobs.put(random_bytes(600'000)));
  const auto staging = blobs.stage(500'000);
  ASSERT_FALSE(staging.has_value());
  EXPECT_EQ(staging.error().code, Errc::kNoSpace);
  EXPECT_NE(staging.error().detail.find("capacity of 1000000 bytes"), std::string::npos);
  EXPECT_TRUE(blobs.stage(400'000).has_value());
}

TEST_F(CapacityTest, UploadsUnderWayCount) {
  auto blobs = open_store(1'000'000);
  {
    const auto first = blobs.stage(700'000);
    ASSERT_TRUE(first.has_value());
    EXPECT_EQ(blobs.stage(700'000).error().code, Errc::kNoSpace);
  }
  EXPECT_TRUE(blobs.stage(700'000).has_value())
      << "an upload that is given up frees what was set aside for it";
}

TEST_F(CapacityTest, AnUploadOfUnknownSizeEndsWhereTheCapacityDoes) {
  auto blobs = open_store(3'000'000);
  auto staging = blobs.stage();
  const auto piece = random_bytes(1'000'000);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(staging->append(piece));
  EXPECT_EQ(staging->append(piece).error().code, Errc::kNoSpace);
  EXPECT_EQ(files_in("staging"), 0u) << "its space is free as soon as it failed";
  EXPECT_EQ(staging->commit().error().code, Errc::kNoSpace);
  EXPECT_TRUE(blobs.stage(3'000'000).has_value());
}

TEST_F(CapacityTest, WhatIsStoredCountsAfterARestart) {
  { ASSERT_TRUE(open_store().put(random_bytes(600'000))); }
  auto blobs = open_store(1'000'000);
  EXPECT_EQ(blobs.stage(500'000).error().code, Errc::kNoSpace);
}

TEST_F(CapacityTest, MoreThanTheDiskHasIsRefusedAtOnce) {
  auto blobs = open_store();
  const auto staging = blobs.stage(std::uint64_t{1} << 60);
  EXPECT_EQ(staging.error().code, Errc::kNoSpace);
}

/// A small disk of its own; skipped where mounting is not allowed.
class FullDiskTest : public StoreFolder {
 protected:
  void SetUp() override {
    if (::mount("tmpfs", root_.c_str(), "tmpfs", 0, "size=4m") != 0)
      GTEST_SKIP() << "mounting a small tmpfs needs root; FileSizeLimitTest covers failing writes without it";
    mounted_ = true;
  }
  void TearDown() override {
    if (mounted_) ::umount2(root_.c_str(), MNT_DETACH);
  }
  bool mounted_ = false;
};

TEST_F(FullDiskTest, AFullDiskIsSaidSoAndLeavesNothingBehind) {
  {
    auto blobs = open_store();
    const auto kept = random_bytes(1'000'000, 1);
    const auto digest = blobs.put(kept)->digest;
    auto staging = blobs.stage();
    const auto piece = random_bytes(500'000, 2);
    core::Result<void> appended;
    for (int i = 0; i < 10 && appended; ++i) appended = staging->append(piece);
    ASSERT_FALSE(appended.has_value());
    EXPECT_EQ(appended.error().code, Errc::kNoSpace);
    EXPECT_EQ(files_in("staging"), 0u);
    EXPECT_EQ(files_in("objects"), 1u);
    EXPECT_EQ(staging->append(piece).error().code, Errc::kNoSpace);
    EXPECT_EQ(*blobs.read_all(digest, kept.size()), kept);
    EXPECT_TRUE(blobs.put(random_bytes(1'000'000, 3))) << "the space of the failed upload is free again";
  }
}

using FileSizeLimitTest = StoreFolder;

TEST_F(FileSizeLimitTest, AFailingWriteLeavesNothingBehind) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1'000'000, 1'000'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    auto blobs = BlobStore::open({.folder = root_});
    auto staging = blobs->stage();
    const auto first = staging->append(random_bytes(900'000));
    const auto second = staging->append(random_bytes(900'000));
    const bool as_expected =
        first && !second && second.error().code == Errc::kTooLarge && files_in("staging") == 0;
    ::_exit(as_expected ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

}  // namespace
}  // namespace kadenza::services::blobs
