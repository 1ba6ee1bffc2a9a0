// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/library/local_audio_stream.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <sys/uio.h>
#include <unistd.h>

#include "core/blocking.hpp"
#include "services/blobs/blob_store.hpp"

namespace kadenza::services::library {

LocalAudioStream::LocalAudioStream(std::shared_ptr<const core::SongRecord> record,
                                   std::shared_ptr<const core::UniqueFd> blob,
                                   std::shared_ptr<ChunkMarks> marks, core::ByteRange range,
                                   boost::asio::any_io_executor blocking, std::function<void()> on_rotten)
    : record_(std::move(record)),
      blob_(std::move(blob)),
      marks_(std::move(marks)),
      left_(range),
      blocking_(std::move(blocking)),
      on_rotten_(std::move(on_rotten)) {}

std::optional<core::FileSlice> LocalAudioStream::file() const {
  if (left_.length > 0) {
    const auto last = (left_.offset + left_.length - 1) / core::kChunkBytes;
    for (auto chunk = left_.offset / core::kChunkBytes; chunk <= last; ++chunk) {
      if (!marks_->test(chunk)) return std::nullopt;
    }
  }
  return core::FileSlice{blob_->get(), left_};
}

core::Task<core::Result<std::size_t>> LocalAudioStream::read(std::span<std::uint8_t> out, core::Deadline) {
  if (left_.length == 0 || out.empty()) co_return std::size_t{0};
  if (const auto cached = read_cached(out); cached > 0) co_return cached;
  co_return co_await core::run_on(blocking_, [this, out] { return fill(out); });
}

/// Reads what needs neither the disk nor a check, without blocking; 0 when there is no such thing. Handing a
/// small range to the pool and back costs more than the range itself.
std::size_t LocalAudioStream::read_cached(std::span<std::uint8_t> out) {
  if (!file()) return 0;
  const iovec into{out.data(), std::min<std::uint64_t>(out.size(), left_.length)};
  const auto got = ::preadv2(blob_->get(), &into, 1, static_cast<off_t>(left_.offset), RWF_NOWAIT);
  if (got <= 0) return 0;
  left_.offset += static_cast<std::uint64_t>(got);
  left_.length -= static_cast<std::uint64_t>(got);
  return static_cast<std::size_t>(got);
}

core::Result<std::size_t> LocalAudioStream::fill(std::span<std::uint8_t> out) {
  std::size_t filled = 0;
  while (filled < out.size() && left_.length > 0) {
    const auto got = read_chunk_part(out.subspan(filled));
    if (!got && got.error().code == core::Errc::kCorrupted && on_rotten_) on_rotten_();
    if (!got) return got;
    filled += *got;
  }
  return filled;
}

/// Reads up to the end of the current chunk.
core::Result<std::size_t> LocalAudioStream::read_chunk_part(std::span<std::uint8_t> out) {
  const auto chunk = left_.offset / core::kChunkBytes;
  const auto inside = left_.offset % core::kChunkBytes;
  const auto wanted = static_cast<std::size_t>(
      std::min<std::uint64_t>({out.size(), left_.length, core::kChunkBytes - inside}));
  if (!marks_->test(chunk)) {
    thread_local std::array<std::uint8_t, core::kChunkBytes> scratch;
    KADENZA_TRY(const auto length,
                blobs::read_verified_chunk(blob_->get(), chunk, record_->chunks[chunk], scratch));
    marks_->set(chunk);
    if (inside + wanted > length) return core::fail(core::Errc::kCorrupted, "the audio file is too short");
    std::memcpy(out.data(), scratch.data() + inside, wanted);
  } else {
    std::size_t done = 0;
    while (done < wanted) {
      const auto got =
          ::pread(blob_->get(), out.data() + done, wanted - done, static_cast<off_t>(left_.offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return core::fail(core::Errc::kInternal, std::strerror(errno));
      if (got == 0) return core::fail(core::Errc::kCorrupted, "the audio file is too short");
      done += static_cast<std::size_t>(got);
    }
  }
  left_.offset += wanted;
  left_.length -= wanted;
  return wanted;
}

}  // namespace kadenza::services::library
