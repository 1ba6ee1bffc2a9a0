// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "core/error.hpp"
#include "core/sha256.hpp"
#include "core/unique_fd.hpp"
#include "services/blobs/blob_store.hpp"
#include "services/blobs/chunk_hasher.hpp"
#include "services/blobs/store_state.hpp"

namespace kadenza::services::blobs {

/// What is behind a Staging: one file under way and the space set aside for it. One owner.
class StagingFile {
 public:
  static core::Result<std::unique_ptr<StagingFile>> create(StoreState& store,
                                                           std::optional<std::uint64_t> expected_size);
  ~StagingFile();

  core::Result<void> append(std::span<const std::uint8_t> bytes, std::span<const core::Digest> chunks);
  std::uint64_t size() const noexcept { return size_; }
  core::Result<core::UniqueFd> reader() const;
  void write_back();
  core::Result<core::Digest> digest();
  core::Result<BlobInfo> describe();
  core::Result<BlobInfo> commit();

 private:
  StagingFile(StoreState& store, StoreState::NewFile file, std::uint64_t reserved);

  core::Result<void> reserve_for(std::uint64_t size);
  core::Result<void> write(std::span<const std::uint8_t> bytes, std::span<const core::Digest> chunks);
  core::Result<BlobInfo> store_durably();
  /// Gives the space back and takes the file away, if it is still there.
  void discard() noexcept;

  StoreState& store_;
  std::string name_;  ///< empty once the file is discarded or has its place
  std::shared_ptr<core::UniqueFd> fd_;
  std::uint64_t reserved_;
  std::uint64_t size_ = 0;
  core::Sha256 whole_;
  std::optional<core::Digest> digest_;  ///< of the whole, once it is complete
  std::optional<BlobInfo> info_;        ///< likewise
  ChunkHasher chunks_;
  std::future<int> written_back_;  ///< the error number of its fsync
  std::optional<core::Error> failure_;
};

}  // namespace kadenza::services::blobs
