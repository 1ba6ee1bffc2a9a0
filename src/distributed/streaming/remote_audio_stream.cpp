// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/streaming/remote_audio_stream.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "distributed/streaming/verify_chunks.hpp"

namespace kadenza::distributed::streaming {

namespace asio = boost::asio;
using core::Result;

/// A piece on its way, shared by the stream and the coroutine that fetches it.
struct RemoteAudioStream::Pending {
  Pending(const asio::any_io_executor& executor, core::ByteRange what) : range(what), done(executor, 1) {}

  const core::ByteRange range;
  asio::experimental::channel<void(boost::system::error_code, Result<Piece>)> done;
  asio::cancellation_signal cancel;
};

RemoteAudioStream::RemoteAudioStream(std::shared_ptr<RemoteSongs> songs,
                                     std::shared_ptr<const core::SongRecord> record, core::ByteRange range,
                                     std::optional<Piece> first)
    : songs_(std::move(songs)),
      record_(std::move(record)),
      begin_(range.offset),
      left_(range),
      next_fetch_(range.offset / core::kChunkBytes * core::kChunkBytes),
      current_(std::move(first)) {
  if (current_) next_fetch_ = current_->offset + current_->bytes.size();
}

RemoteAudioStream::~RemoteAudioStream() {
  for (const auto& pending : pending_) pending->cancel.emit(asio::cancellation_type::terminal);
}

core::Task<Result<std::size_t>> RemoteAudioStream::read(std::span<std::uint8_t> out,
                                                        core::Deadline deadline) {
  if (left_.length == 0 || out.empty()) co_return std::size_t{0};
  const auto executor = co_await asio::this_coro::executor;
  while (ahead() < ahead_allowed() && next_fetch_ < left_.offset + left_.length) {
    const auto wanted = std::min(piece_size_, left_.offset + left_.length - next_fetch_);
    const auto range = whole_chunks({next_fetch_, wanted}, record_->song.size);
    auto& pending = pending_.emplace_back(std::make_shared<Pending>(executor, range));
    auto fetch = [pending, songs = songs_, record = record_, range, deadline]() -> core::Task<void> {
      auto piece = co_await songs->fetch(record->song.id, record, range, deadline);
      pending->done.try_send(boost::system::error_code(), std::move(piece));
    };
    asio::co_spawn(executor, std::move(fetch),
                   asio::bind_cancellation_slot(pending->cancel.slot(), asio::detached));
    next_fetch_ += range.length;
    piece_size_ = std::min(piece_size_ * 2, kPieceMax);
  }
  if (!current_) {
    const auto pending = pending_.front();
    Result<Piece> piece = co_await pending->done.async_receive(asio::use_awaitable);
    pending_.pop_front();
    if (!piece) {
      // The byte that was reached is where the caller may open the song again.
      next_fetch_ = left_.offset / core::kChunkBytes * core::kChunkBytes;
      for (const auto& later : std::exchange(pending_, {})) {
        later->cancel.emit(asio::cancellation_type::terminal);
      }
      co_return std::unexpected(std::move(piece).error());
    }
    current_ = std::move(*piece);
  }
  co_return take(out);
}

std::uint64_t RemoteAudioStream::ahead() const {
  return next_fetch_ > left_.offset ? next_fetch_ - left_.offset : 0;
}

std::uint64_t RemoteAudioStream::ahead_allowed() const {
  return std::min(kAheadMax, kAheadAtFirst + 2 * (left_.offset - begin_));
}

std::size_t RemoteAudioStream::take(std::span<std::uint8_t> out) {
  const auto inside = left_.offset - current_->offset;
  const auto size = std::min<std::uint64_t>({out.size(), left_.length, current_->bytes.size() - inside});
  std::memcpy(out.data(), current_->bytes.data() + inside, size);
  left_.offset += size;
  left_.length -= size;
  if (left_.offset == current_->offset + current_->bytes.size()) current_.reset();
  return size;
}

}  // namespace kadenza::distributed::streaming
