// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/audio_stream.hpp"
#include "core/error.hpp"
#include "core/ids.hpp"
#include "core/song.hpp"
#include "core/unique_fd.hpp"

namespace kadenza::services::blobs {

/// What is known of a stored blob.
struct BlobInfo {
  core::Digest digest;  ///< SHA-256 of all its bytes: its name
  std::uint64_t size = 0;
  std::vector<core::Digest> chunks;  ///< SHA-256 of every core::kChunkBytes, in order; none for no bytes
};

class StoreState;
class StagingFile;

/// A blob that is being received, in a file of the store's staging folder. Destroying it before commit()
/// leaves nothing behind. One owner, one call at a time, any thread; it must not outlive its store.
/// After an error the staging file is gone already, its space is free again, and every further call gives
/// the same error.
class Staging {
 public:
  Staging(Staging&&) noexcept;
  Staging& operator=(Staging&&) noexcept;
  ~Staging();

  /// Writes and hashes. Blocks for as long as the disk does. kNoSpace when the disk or the store's capacity
  /// is full.
  core::Result<void> append(std::span<const std::uint8_t> bytes);

  /// The same of whole chunks whose digests the caller has just computed; only the blob's last chunk may be
  /// shorter. All of a blob is appended either so or by append().
  core::Result<void> append_hashed(std::span<const std::uint8_t> bytes, std::span<const core::Digest> chunks);

  std::uint64_t size() const noexcept;

  /// A descriptor of its own, for reading only, of what was appended so far.
  core::Result<core::UniqueFd> reader() const;

  /// All is appended: lets the disk begin with a large file while its content is being checked, so that
  /// commit() finds little left to wait for. Never blocks.
  void write_back();

  /// SHA-256 of all that was appended: the name that commit() will give. Ends the appending.
  core::Result<core::Digest> digest();

  /// All that commit() will give, without making anything durable. Ends the appending.
  core::Result<BlobInfo> describe();

  /// Makes the blob durable and visible under its digest: fsync of the file, rename, fsync of the folder.
  /// A blob that is there already is verified; it stays when it is whole and is replaced when it is not.
  /// The object is spent afterwards, whatever the result.
  core::Result<BlobInfo> commit();

 private:
  friend class BlobStore;
  explicit Staging(std::unique_ptr<StagingFile> file) noexcept;
  std::unique_ptr<StagingFile> file_;
};

/// Content-addressed files in one folder: songs and covers. Durable when commit() or put() returns; a kill
/// or power cut at any moment leaves no half file visible. Blocking calls for a pool of threads;
/// thread-safe. Only one store, of one process, may use a folder at a time.
class BlobStore {
 public:
  static constexpr std::uint64_t kUnlimited = UINT64_MAX;

  struct Options {
    std::filesystem::path folder;               ///< created when missing
    std::uint64_t capacity_bytes = kUnlimited;  ///< of blobs stored and being received
  };

  /// Takes the folder's lock and clears what a crash left in its staging folder. kConflict when another
  /// store has the folder open.
  static core::Result<BlobStore> open(Options options);

  BlobStore(BlobStore&&) noexcept;
  BlobStore& operator=(BlobStore&&) noexcept;
  ~BlobStore();

  /// Begins a blob. `expected_size` is set aside at once, so that uploads that run together do not find the
  /// disk full half-way: kNoSpace when it does not fit.
  core::Result<Staging> stage(std::optional<std::uint64_t> expected_size = std::nullopt);

  /// Stores a small blob, such as a cover, in one call.
  core::Result<BlobInfo> put(std::span<const std::uint8_t> bytes);

  bool contains(const core::Digest& digest) const;

  /// A descriptor for reading. kNotFound when there is no such blob.
  core::Result<core::UniqueFd> open_blob(const core::Digest& digest) const;

  /// The whole of a blob, verified, for small ones: kTooLarge above `bytes_max`, kCorrupted when its bytes
  /// are not those of its digest.
  core::Result<std::vector<std::uint8_t>> read_all(const core::Digest& digest, std::uint64_t bytes_max) const;

  /// Takes a blob out of the store; kNotFound when there is none. Descriptors that are open stay readable.
  core::Result<void> remove(const core::Digest& digest);

  /// Calls `visit` with every blob that is there throughout the walk, in no order, until it says false. May
  /// take long; other calls go on meanwhile, from `visit` too.
  core::Result<void> for_each(const std::function<bool(const core::Digest&)>& visit) const;

  /// Bytes of all blobs stored. They are counted in the background after open(); the first call waits for
  /// that, and so does stage() when a capacity is set.
  std::uint64_t used_bytes() const;
  std::uint64_t capacity_bytes() const noexcept;

 private:
  explicit BlobStore(std::unique_ptr<StoreState> state) noexcept;
  std::unique_ptr<StoreState> state_;
};

/// Reads chunk `index` (of core::kChunkBytes; the last one may be shorter) of an open blob into `out` and
/// checks it; gives its length. `out` holds at least core::kChunkBytes. kCorrupted when the bytes differ
/// from the digest or are missing.
core::Result<std::size_t> read_verified_chunk(int blob, std::uint64_t index, const core::Digest& expected,
                                              std::span<std::uint8_t> out);

/// The bytes of `range` of an open file, unverified. kInvalidArgument when the file ends before they do.
core::Result<std::vector<std::uint8_t>> read_range(int file, core::ByteRange range);

}  // namespace kadenza::services::blobs
