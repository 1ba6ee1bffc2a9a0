// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/streaming/failover_stream.hpp"

#include <utility>

#include <spdlog/spdlog.h>

namespace kadenza::distributed::streaming {

FailoverStream::FailoverStream(std::unique_ptr<core::AudioStream> local, std::shared_ptr<RemoteSongs> others,
                               core::SongId id, core::ByteRange range)
    : current_(std::move(local)), others_(std::move(others)), id_(id), left_(range) {}

core::Task<core::Result<std::size_t>> FailoverStream::read(std::span<std::uint8_t> out,
                                                           core::Deadline deadline) {
  auto got = co_await current_->read(out, deadline);
  const bool ours =
      !got && (got.error().code == core::Errc::kCorrupted || got.error().code == core::Errc::kInternal);
  if (ours && others_) {
    spdlog::error("song {} cannot be read here at byte {} ({}); another replica carries on", id_.text(),
                  left_.offset, got.error().detail);
    auto remote = co_await std::exchange(others_, nullptr)->open(id_, left_, deadline);
    if (!remote) co_return got;
    current_ = std::move(*remote);
    got = co_await current_->read(out, deadline);
  }
  if (got) {
    left_.offset += *got;
    left_.length -= *got;
  }
  co_return got;
}

}  // namespace kadenza::distributed::streaming
