// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/blobs/blob_store.hpp"

#include <fstream>
#include <thread>

#include <fcntl.h>

#include "core/sha256.hpp"
#include "store_folder.hpp"

namespace kadenza::services::blobs {
namespace {

using BlobStoreTest = StoreFolder;

std::vector<core::Digest> chunk_digests(std::span<const std::uint8_t> bytes) {
  std::vector<core::Digest> digests;
  for (std::size_t at = 0; at < bytes.size(); at += core::kChunkBytes)
    digests.push_back(
        core::sha256(bytes.subspan(at, std::min<std::size_t>(core::kChunkBytes, bytes.size() - at))));
  return digests;
}

BlobInfo store(BlobStore& store, std::span<const std::uint8_t> bytes, std::size_t piece) {
  auto staging = store.stage();
  EXPECT_TRUE(staging.has_value());
  for (std::size_t at = 0; at < bytes.size(); at += piece)
    EXPECT_TRUE(staging->append(bytes.subspan(at, std::min(piece, bytes.size() - at))));
  auto info = staging->commit();
  EXPECT_TRUE(info.has_value()) << info.error().detail;
  return *info;
}

/// The only file below objects/.
std::filesystem::path only_object(const std::filesystem::path& root) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root / "objects"))
    if (entry.is_regular_file()) return entry.path();
  return {};
}

TEST_F(BlobStoreTest, KeepsBytesUnderTheirHashWithTheHashOfEveryChunk) {
  auto blobs = open_store();
  constexpr auto kChunk = std::size_t{core::kChunkBytes};
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, kChunk - 1, kChunk, kChunk + 1, 16 * kChunk,
                                 16 * kChunk + 5, 9'000'001ul}) {
    const auto bytes = random_bytes(size, static_cast<unsigned>(size));
    const auto info = store(blobs, bytes, 100'000);
    EXPECT_EQ(info.digest, core::sha256(bytes)) << size;
    EXPECT_EQ(info.size, size);
    EXPECT_EQ(info.chunks, chunk_digests(bytes)) << size;
    EXPECT_TRUE(blobs.contains(info.digest));
    EXPECT_EQ(*blobs.read_all(info.digest, size), bytes);
  }
  EXPECT_EQ(files_in("staging"), 0u);
}

TEST_F(BlobStoreTest, TakesTheHashesOfChunksThatTheWriterKnows) {
  auto blobs = open_store();
  constexpr auto kChunk = std::size_t{core::kChunkBytes};
  for (const std::size_t size : {std::size_t{1}, kChunk, 4 * kChunk + 5, 20'000'001ul}) {
    const auto bytes = random_bytes(size, static_cast<unsigned>(size));
    const auto chunks = chunk_digests(bytes);
    auto staging = blobs.stage(size);
    ASSERT_TRUE(staging.has_value());
    for (std::size_t at = 0; at < size; at += 4 * kChunk) {
      const auto piece = std::span(bytes).subspan(at, std::min(4 * kChunk, size - at));
      ASSERT_TRUE(staging->append_hashed(
          piece, std::span(chunks).subspan(at / kChunk, (piece.size() + kChunk - 1) / kChunk)));
    }
    const auto info = staging->commit();
    ASSERT_TRUE(info.has_value()) << info.error().detail;
    EXPECT_EQ(info->digest, core::sha256(bytes));
    EXPECT_EQ(info->chunks, chunks) << size;
    EXPECT_EQ(*blobs.read_all(info->digest, size), bytes);
  }
}

TEST_F(BlobStoreTest, BlobsOutliveTheStore) {
  const auto bytes = random_bytes(300'000);
  const auto digest = open_store().put(bytes)->digest;
  const auto again = open_store();
  EXPECT_EQ(*again.read_all(digest, bytes.size()), bytes);
  EXPECT_EQ(again.used_bytes(), bytes.size());
}

TEST_F(BlobStoreTest, AnUploadThatIsGivenUpLeavesNothing) {
  auto blobs = open_store();
  {
    auto staging = blobs.stage();
    ASSERT_TRUE(staging->append(random_bytes(5'000'000)));
    EXPECT_EQ(files_in("staging"), 1u);
  }
  EXPECT_EQ(files_in("staging") + files_in("objects"), 0u);
}

TEST_F(BlobStoreTest, LeftOversOfACrashAreClearedAtStart) {
  { open_store(); }
  std::ofstream(root_ / "staging" / "7") << "half a song";
  const auto blobs = open_store();
  EXPECT_EQ(files_in("staging"), 0u);
}

TEST_F(BlobStoreTest, AFolderBelongsToOneStoreAtATime) {
  const auto blobs = open_store();
  const auto second = BlobStore::open({.folder = root_});
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, core::Errc::kConflict);
  EXPECT_NE(second.error().detail.find("in use by another node"), std::string::npos);
}

TEST_F(BlobStoreTest, TheSameBytesAreKeptOnce) {
  auto blobs = open_store();
  const auto bytes = random_bytes(200'000);
  const auto first = store(blobs, bytes, bytes.size());
  const auto second = store(blobs, bytes, 1000);
  EXPECT_EQ(first.digest, second.digest);
  EXPECT_EQ(first.chunks, second.chunks);
  EXPECT_EQ(files_in("objects"), 1u);
  EXPECT_EQ(files_in("staging"), 0u);
  EXPECT_EQ(blobs.used_bytes(), bytes.size());
}

TEST_F(BlobStoreTest, ARottenBlobIsReplacedByAWholeOne) {
  auto blobs = open_store();
  const auto bytes = random_bytes(200'000);
  const auto digest = blobs.put(bytes)->digest;
  std::filesystem::resize_file(only_object(root_), 100);
  EXPECT_EQ(blobs.read_all(digest, bytes.size()).error().code, core::Errc::kCorrupted);
  ASSERT_TRUE(blobs.put(bytes));
  EXPECT_EQ(*blobs.read_all(digest, bytes.size()), bytes);
}

TEST_F(BlobStoreTest, ARottenChunkIsNotServed) {
  auto blobs = open_store();
  const auto bytes = random_bytes(3 * core::kChunkBytes + 77);
  const auto info = *blobs.put(bytes);
  std::vector<std::uint8_t> chunk(core::kChunkBytes);
  {
    const auto file = blobs.open_blob(info.digest);
    for (std::size_t i = 0; i < info.chunks.size(); ++i)
      EXPECT_EQ(*read_verified_chunk(file->get(), i, info.chunks[i], chunk), i < 3 ? core::kChunkBytes : 77u);
  }
  std::fstream object(only_object(root_), std::ios::in | std::ios::out | std::ios::binary);
  object.seekp(core::kChunkBytes + 5).put(static_cast<char>(bytes[core::kChunkBytes + 5] ^ 1)).flush();
  const auto file = blobs.open_blob(info.digest);
  EXPECT_TRUE(read_verified_chunk(file->get(), 0, info.chunks[0], chunk));
  EXPECT_EQ(read_verified_chunk(file->get(), 1, info.chunks[1], chunk).error().code, core::Errc::kCorrupted);
  EXPECT_EQ(read_verified_chunk(file->get(), 9, info.chunks[1], chunk).error().code, core::Errc::kCorrupted);
}

TEST_F(BlobStoreTest, RemovedBlobsAreGoneAndFreeTheirSpace) {
  auto blobs = open_store();
  const auto digest = blobs.put(random_bytes(50'000))->digest;
  const auto open_before = blobs.open_blob(digest);
  ASSERT_TRUE(blobs.remove(digest));
  EXPECT_FALSE(blobs.contains(digest));
  EXPECT_EQ(blobs.open_blob(digest).error().code, core::Errc::kNotFound);
  EXPECT_EQ(blobs.remove(digest).error().code, core::Errc::kNotFound);
  EXPECT_EQ(blobs.used_bytes(), 0u);
  char byte = 0;
  EXPECT_EQ(::pread(open_before->get(), &byte, 1, 0), 1);
}

TEST_F(BlobStoreTest, AnUploadCanBeReadBeforeItIsCommittedButNotWritten) {
  auto blobs = open_store();
  auto staging = blobs.stage();
  ASSERT_TRUE(staging->append(random_bytes(100)));
  const auto reader = staging->reader();
  std::uint8_t byte = 0;
  EXPECT_EQ(::pread(reader->get(), &byte, 1, 99), 1);
  EXPECT_EQ(::write(reader->get(), &byte, 1), -1);
}

TEST_F(BlobStoreTest, ASpentUploadTakesNothingMore) {
  auto blobs = open_store();
  auto staging = blobs.stage();
  ASSERT_TRUE(staging->commit());
  EXPECT_FALSE(staging->append(random_bytes(1)));
  EXPECT_FALSE(staging->commit());
}

TEST_F(BlobStoreTest, LargeReadsAreRefused) {
  auto blobs = open_store();
  const auto digest = blobs.put(random_bytes(1000))->digest;
  EXPECT_EQ(blobs.read_all(digest, 999).error().code, core::Errc::kTooLarge);
}

TEST_F(BlobStoreTest, ManyThreadsStoreTheSameAndDifferentBlobs) {
  auto blobs = open_store();
  std::vector<std::jthread> threads;
  for (unsigned thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&blobs, thread] {
      for (unsigned i = 0; i < 20; ++i) {
        EXPECT_TRUE(blobs.put(random_bytes(5'000, i)));
        EXPECT_TRUE(blobs.put(random_bytes(5'000, 1000 * (thread + 1) + i)));
      }
    });
  }
  threads.clear();
  EXPECT_EQ(files_in("objects"), 20u + 8 * 20);
  EXPECT_EQ(blobs.used_bytes(), (20u + 8 * 20) * 5'000);
}

}  // namespace
}  // namespace kadenza::services::blobs
