// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/replication/further_copies.hpp"

#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

#include "distributed/messages/song_message.hpp"
#include "distributed/placement/partition.hpp"
#include "distributed/replication/methods.hpp"
#include "distributed/streaming/remote_songs.hpp"
#include "distributed/streaming/song_cache.hpp"

namespace kadenza::distributed::replication {

using core::Errc;
using core::Result;
using core::Task;

namespace {

constexpr auto kAskTimeout = std::chrono::seconds(2);
constexpr auto kPieceTimeout = std::chrono::seconds(10);
constexpr auto kLook = std::chrono::seconds(1);

}  // namespace

void FurtherCopies::add_methods(peers::Handlers& handlers) {
  handlers.add<v1::CopyRequest>([this](peers::Caller, v1::CopyRequest r) { return serve(std::move(r)); });
}

void FurtherCopies::start() {
  background_.spawn([this] { return ask_for_copies(); });
  if (parts_.cache) background_.spawn([this] { return copy_here(); });
}

Task<void> FurtherCopies::ask_for_copies() {
  while (true) {
    for (const auto& song : parts_.demand.popular()) {
      const auto copies = co_await have_copied(song.id, song.copies);
      parts_.demand.set_copies(song.id, copies);
    }
    co_await parts_.timers.sleep_until(parts_.clock.now() + kRound);
  }
}

/// How many ranks in a row have it now, the holders included.
Task<std::size_t> FurtherCopies::have_copied(core::SongId id, std::size_t copies) {
  const auto partition = placement::partition_of(id, parts_.settings.partition_bits);
  const auto order = co_await parts_.directory.order(partition, parts_.clock.now() + kAskTimeout);
  const std::size_t last = std::min(copies, order.size());
  std::size_t in_a_row = parts_.settings.replicas;
  for (std::size_t rank = parts_.settings.replicas; rank < last; ++rank) {
    const auto& candidate = order[rank];
    if (candidate.silent) continue;
    v1::CopyRequest request;
    request.set_song(messages::bytes_of(id));
    bool there = candidate.self;
    if (!there) {
      const auto reply = co_await peers::call(parts_.peers, candidate.contact, std::move(request),
                                              parts_.clock.now() + kAskTimeout);
      there = reply && reply->there();
    }
    if (there && in_a_row == rank) ++in_a_row;
  }
  co_return in_a_row;
}

Task<Result<v1::CopyReply>> FurtherCopies::serve(v1::CopyRequest request) {
  KADENZA_CO_TRY(const auto id, messages::id_from<core::SongId>(request.song()));
  v1::CopyReply reply;
  reply.set_there(co_await is_here(id));
  if (!reply.there() && parts_.cache) {
    const std::lock_guard lock(mutex_);
    const bool waits = std::ranges::find(pending_, id) != pending_.end();
    if (!waits && pending_.size() < kPendingMax) pending_.push_back(id);
  }
  co_return reply;
}

Task<bool> FurtherCopies::is_here(core::SongId id) {
  const auto cached = parts_.cache ? parts_.cache->find(id) : nullptr;
  if (cached && cached->holds({0, cached->record()->song.size})) co_return true;
  co_return (co_await parts_.songs.record(id)).has_value();
}

Task<void> FurtherCopies::copy_here() {
  while (true) {
    std::optional<core::SongId> next;
    {
      const std::lock_guard lock(mutex_);
      if (!pending_.empty()) next = pending_.front();
    }
    if (!next) {
      co_await parts_.timers.sleep_until(parts_.clock.now() + kLook);
      continue;
    }
    co_await copy(*next);
    const std::lock_guard lock(mutex_);
    pending_.pop_front();
  }
}

Task<void> FurtherCopies::copy(core::SongId id) {
  const auto record = co_await remote_->record(id, parts_.clock.now() + kPieceTimeout);
  if (!record) {
    spdlog::debug("cannot copy song {}, which is in demand: {}", id.text(), record.error().detail);
    co_return;
  }
  const auto size = (*record)->song.size;
  for (std::uint64_t at = 0; at < size; at += peers::kPieceBytes) {
    const core::ByteRange range{at, std::min<std::uint64_t>(peers::kPieceBytes, size - at)};
    const auto piece = co_await remote_->fetch(id, *record, range, parts_.clock.now() + kPieceTimeout);
    if (!piece) {
      spdlog::debug("cannot copy song {}, which is in demand: {}", id.text(), piece.error().detail);
      co_return;
    }
  }
  spdlog::info("song {} is in demand; this node has a further copy of it in its cache", id.text());
}

}  // namespace kadenza::distributed::replication
