// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/replication/puller.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "core/sha256.hpp"
#include "distributed/streaming/verify_chunks.hpp"

namespace kadenza::distributed::replication {
namespace {

namespace asio = boost::asio;
using core::Errc;
using core::Result;
using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t kPiecesAtOnce = 4;

/// A piece on its way, shared by the puller and the coroutine that fetches it.
struct Piece {
  Piece(const asio::any_io_executor& executor, std::uint64_t at) : offset(at), done(executor, 1) {}
  const std::uint64_t offset;
  asio::experimental::channel<void(boost::system::error_code, Result<Bytes>)> done;
  asio::cancellation_signal cancel;
};

/// The pieces on their way from one source, in order.
class Window {
 public:
  ~Window() {
    for (const auto& piece : pieces_) piece->cancel.emit(asio::cancellation_type::terminal);
  }

  void fetch(const asio::any_io_executor& executor, RemoteReplicas& replicas, const core::Song& song,
             kademlia::Contact source, core::ByteRange range, core::Deadline deadline) {
    auto& piece = pieces_.emplace_back(std::make_shared<Piece>(executor, range.offset));
    auto body = [piece, &replicas, song, source, range, deadline]() -> core::Task<void> {
      auto bytes = co_await replicas.read_audio(source, song, range, deadline);
      piece->done.try_send(boost::system::error_code(), std::move(bytes));
    };
    asio::co_spawn(executor, std::move(body),
                   asio::bind_cancellation_slot(piece->cancel.slot(), asio::detached));
  }

  core::Task<Result<Bytes>> next() {
    const auto piece = pieces_.front();
    auto [cancelled, bytes] = co_await piece->done.async_receive(asio::as_tuple(asio::use_awaitable));
    if (cancelled) co_return core::fail(Errc::kCancelled, "the copy was cancelled");
    pieces_.pop_front();
    co_return std::move(bytes);
  }

  std::size_t size() const { return pieces_.size(); }

 private:
  std::deque<std::shared_ptr<Piece>> pieces_;
};

/// Goes on from `written` as far as this source leads.
core::Task<Result<void>> pull_from(RemoteReplicas& replicas, const core::SongRecord& record,
                                   kademlia::Contact source, services::library::IncomingSong& into,
                                   std::uint64_t& written, core::Deadline deadline) {
  const auto executor = co_await asio::this_coro::executor;
  const auto size = record.song.size;
  Window window;
  std::uint64_t asked = written;
  while (written < size) {
    while (asked < size && window.size() < kPiecesAtOnce) {
      const auto length = std::min<std::uint64_t>(peers::kPieceBytes, size - asked);
      window.fetch(executor, replicas, record.song, source, {asked, length}, deadline);
      asked += length;
    }
    auto bytes = co_await window.next();
    if (!bytes) co_return std::unexpected(std::move(bytes).error());
    const auto expected = std::min<std::uint64_t>(peers::kPieceBytes, size - written);
    if (bytes->size() != expected || !streaming::verify_chunks(record, written, *bytes)) {
      co_return core::fail(Errc::kCorrupted, "the source's bytes do not match the record");
    }
    const auto chunks = std::span(record.chunks)
                            .subspan(written / core::kChunkBytes,
                                     (bytes->size() + core::kChunkBytes - 1) / core::kChunkBytes);
    auto stored = co_await into.write_verified(*bytes, chunks, deadline);
    if (!stored) co_return stored;
    written += bytes->size();
  }
  co_return Result<void>();
}

/// A full disk here is no source's fault.
bool is_ours(const core::Error& error) {
  return error.code == Errc::kNoSpace || error.code == Errc::kTooLarge || error.code == Errc::kInternal;
}

}  // namespace

core::Task<Result<void>> pull_audio(RemoteReplicas& replicas, const core::SongRecord& record,
                                    std::vector<kademlia::Contact> sources,
                                    services::library::IncomingSong& into, core::Deadline deadline) {
  std::uint64_t written = 0;
  Result<void> result = core::fail(Errc::kUnavailable, "nobody was named who has the song");
  for (const auto& source : sources) {
    result = co_await pull_from(replicas, record, source, into, written, deadline);
    if (result || is_ours(result.error())) co_return result;
  }
  co_return result;
}

core::Task<Result<std::optional<core::Image>>> pull_cover(RemoteReplicas& replicas, const core::Song& song,
                                                          std::vector<kademlia::Contact> sources,
                                                          core::Deadline deadline) {
  if (!song.cover) co_return std::nullopt;
  core::Error last{Errc::kUnavailable, "nobody was named who has the cover"};
  for (const auto& source : sources) {
    auto cover = co_await replicas.cover_of(source, song, deadline);
    if (cover && core::sha256(cover->bytes) == *song.cover) co_return std::move(*cover);
    last = cover ? core::Error{Errc::kCorrupted, "the source's cover does not match the record"}
                 : std::move(cover).error();
  }
  co_return std::unexpected(std::move(last));
}

}  // namespace kadenza::distributed::replication
