// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/blobs/chunk_hasher.hpp"

#include <algorithm>
#include <cerrno>

#include <boost/asio/packaged_task.hpp>
#include <boost/asio/post.hpp>
#include <fcntl.h>

#include "core/check.hpp"
#include "core/sha256.hpp"
#include "core/song.hpp"
#include "services/blobs/posix_error.hpp"

namespace kadenza::services::blobs {
namespace {

constexpr std::uint64_t kSpanBytes = 16 * core::kChunkBytes;

core::Result<std::vector<core::Digest>> hash_chunks(int file, std::uint64_t begin, std::uint64_t end) {
  std::vector<core::Digest> digests;
  std::vector<std::uint8_t> buffer(std::min<std::uint64_t>(core::kChunkBytes, end - begin));
  for (auto offset = begin; offset < end;) {
    const auto length = std::min<std::uint64_t>(core::kChunkBytes, end - offset);
    std::uint64_t filled = 0;
    while (filled < length) {
      const auto got =
          ::pread(file, buffer.data() + filled, length - filled, static_cast<off_t>(offset + filled));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return posix_failure(errno, "read back a received file");
      if (got == 0) return core::fail(core::Errc::kInternal, "a received file became shorter by itself");
      filled += static_cast<std::uint64_t>(got);
    }
    digests.push_back(core::sha256(std::span<const std::uint8_t>(buffer.data(), length)));
    offset += length;
  }
  return digests;
}

void begin_write_back(int file, std::uint64_t begin) {
  ::sync_file_range(file, static_cast<off_t>(begin), kSpanBytes, SYNC_FILE_RANGE_WRITE);
}

}  // namespace

ChunkHasher::ChunkHasher(boost::asio::thread_pool& pool, std::shared_ptr<const core::UniqueFd> file) noexcept
    : pool_(pool), file_(std::move(file)) {}

void ChunkHasher::grown(std::uint64_t size) {
  while ((spans_.size() + 1) * kSpanBytes <= size) {
    const auto begin = spans_.size() * kSpanBytes;
    auto hash_span = [file = file_, begin] {
      begin_write_back(file->get(), begin);
      return hash_chunks(file->get(), begin, begin + kSpanBytes);
    };
    spans_.push_back(boost::asio::post(pool_, std::packaged_task<Span()>(std::move(hash_span))));
  }
}

void ChunkHasher::grown(std::uint64_t size, std::span<const core::Digest> added) {
  known_.insert(known_.end(), added.begin(), added.end());
  for (; written_back_ + kSpanBytes <= size; written_back_ += kSpanBytes) {
    boost::asio::post(pool_, [file = file_, begin = written_back_] { begin_write_back(file->get(), begin); });
  }
}

core::Result<std::vector<core::Digest>> ChunkHasher::finish(std::uint64_t size, const core::Digest& whole) {
  if (size == 0) return std::vector<core::Digest>{};
  if (!known_.empty()) {
    KADENZA_CHECK(known_.size() == (size + core::kChunkBytes - 1) / core::kChunkBytes);
    return known_;
  }
  if (size <= core::kChunkBytes) return std::vector{whole};
  KADENZA_TRY(auto last, hash_chunks(file_->get(), spans_.size() * kSpanBytes, size));
  std::vector<core::Digest> digests;
  digests.reserve(size / core::kChunkBytes + 1);
  for (auto& span : spans_) {
    KADENZA_TRY(const auto hashed, span.get());
    digests.insert(digests.end(), hashed.begin(), hashed.end());
  }
  digests.insert(digests.end(), last.begin(), last.end());
  return digests;
}

}  // namespace kadenza::services::blobs
