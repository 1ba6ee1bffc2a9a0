// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/ids.hpp"
#include "services/library/lru_cache.hpp"

namespace kadenza::services::library {

/// Which chunks of one blob were read and found right since its file last changed. Thread-safe, lock-free.
class ChunkMarks {
 public:
  ChunkMarks(std::size_t chunks, std::int64_t changed_ns)
      : changed_ns_(changed_ns), words_((chunks + 63) / 64) {}

  bool test(std::size_t chunk) const {
    return (words_[chunk / 64].load(std::memory_order_relaxed) >> (chunk % 64) & 1) != 0;
  }
  void set(std::size_t chunk) {
    words_[chunk / 64].fetch_or(1ULL << (chunk % 64), std::memory_order_relaxed);
  }
  std::int64_t changed_ns() const { return changed_ns_; }

 private:
  const std::int64_t changed_ns_;
  std::vector<std::atomic<std::uint64_t>> words_;
};

/// Remembers the verified chunks of the blobs served last, so that a chunk is hashed when it is first sent
/// and goes out by sendfile afterwards. A file whose change time differs is verified anew; what rots without
/// being written to is the scrubber's to find. Thread-safe.
class VerifiedChunks {
 public:
  explicit VerifiedChunks(std::size_t blobs_max) : marks_(blobs_max) {}

  /// The marks for the open file `descriptor` of the blob `digest`.
  std::shared_ptr<ChunkMarks> of(const core::Digest& digest, int descriptor, std::size_t chunks);

 private:
  LruCache<core::Digest, std::shared_ptr<ChunkMarks>> marks_;
};

}  // namespace kadenza::services::library
