// SPDX-License-Identifier: AGPL-3.0-or-later
// kill -9 in the middle of commits: what was acknowledged is there, and nothing half is visible.
#include <csignal>

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/sha256.hpp"
#include "store_folder.hpp"

namespace kadenza::services::blobs {
namespace {

using CrashTest = StoreFolder;

/// Stores blobs for ever; writes the digest of each to `acknowledged` once it is committed.
[[noreturn]] void store_until_killed(const std::filesystem::path& root, int acknowledged, unsigned seed) {
  auto blobs = BlobStore::open({.folder = root});
  if (!blobs) ::_exit(1);
  for (unsigned i = 0;; ++i) {
    const auto bytes = random_bytes(1'000 + 997 * (i % 200), seed + i);
    const auto info = blobs->put(bytes);
    if (!info || ::write(acknowledged, info->digest.bytes.data(), 32) != 32) ::_exit(1);
  }
}

/// What came through the pipe until its end.
std::vector<core::Digest> read_digests(int pipe) {
  std::vector<core::Digest> digests;
  core::Digest digest;
  while (::read(pipe, digest.bytes.data(), 32) == 32) digests.push_back(digest);
  return digests;
}

void expect_all_objects_whole(const std::filesystem::path& root, const BlobStore& blobs) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root / "objects")) {
    if (!entry.is_regular_file()) continue;
    const auto digest = core::Digest::parse(entry.path().filename().string());
    ASSERT_TRUE(digest.has_value()) << entry.path();
    EXPECT_TRUE(blobs.read_all(*digest, 1 << 30)) << entry.path();
  }
}

TEST_F(CrashTest, KilledStoresKeepWhatTheyAcknowledgedAndShowNothingHalf) {
  std::mt19937 random(7);
  std::size_t acknowledged_in_all = 0;
  for (unsigned round = 0; round < 12; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(ends[0]);
      store_until_killed(root_, ends[1], 100'000 * round);
    }
    ::close(ends[1]);
    pollfd first{ends[0], POLLIN, 0};
    ASSERT_EQ(::poll(&first, 1, 30'000), 1);
    ::usleep(random() % 30'000);  // any moment will do: this is not waiting for something
    ::kill(child, SIGKILL);
    const auto acknowledged = read_digests(ends[0]);
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status));

    const auto blobs = open_store();
    for (const auto& digest : acknowledged) EXPECT_TRUE(blobs.read_all(digest, 1 << 30));
    expect_all_objects_whole(root_, blobs);
    EXPECT_EQ(files_in("staging"), 0u);
    acknowledged_in_all += acknowledged.size();
  }
  EXPECT_GT(acknowledged_in_all, 12u);
}

}  // namespace
}  // namespace kadenza::services::blobs
