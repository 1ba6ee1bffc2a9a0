// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <future>
#include <memory>
#include <span>
#include <vector>

#include <boost/asio/thread_pool.hpp>

#include "core/error.hpp"
#include "core/ids.hpp"
#include "core/unique_fd.hpp"

namespace kadenza::services::blobs {

/// SHA-256 of every chunk of a file that is being written. Whole spans of a large file are read back from the
/// page cache and hashed by the pool while the writer goes on; the same threads make the disk start writing,
/// so that little is left for the final fsync. One owner.
class ChunkHasher {
 public:
  ChunkHasher(boost::asio::thread_pool& pool, std::shared_ptr<const core::UniqueFd> file) noexcept;

  /// The file has `size` bytes now.
  void grown(std::uint64_t size);
  /// The same of a file whose writer knows the digests of its chunks: those of what was added.
  void grown(std::uint64_t size, std::span<const core::Digest> added);

  /// Digests of all chunks of the finished file. `whole` is the digest of all `size` bytes.
  core::Result<std::vector<core::Digest>> finish(std::uint64_t size, const core::Digest& whole);

 private:
  using Span = core::Result<std::vector<core::Digest>>;
  boost::asio::thread_pool& pool_;
  std::shared_ptr<const core::UniqueFd> file_;
  std::vector<std::future<Span>> spans_;
  std::vector<core::Digest> known_;
  std::uint64_t written_back_ = 0;  ///< bytes; of a file whose digests are known
};

}  // namespace kadenza::services::blobs
