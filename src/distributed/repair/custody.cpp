// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/repair/custody.hpp"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "distributed/messages/song_message.hpp"
#include "distributed/repair/duties.hpp"
#include "distributed/repair/lanes.hpp"
#include "distributed/repair/repair_messages.hpp"
#include "distributed/repair/scrubber.hpp"

namespace kadenza::distributed::repair {

using core::Errc;
using core::Result;

namespace {

constexpr auto kLook = std::chrono::seconds(1);

Result<std::vector<core::NodeId>> nodes_from(const v1::KeepRequest& request) {
  if (request.instead_of_size() > static_cast<int>(Custody::kInsteadOfMax)) {
    return core::fail(Errc::kInvalidArgument,
                      fmt::format("at most {} nodes can have no room", Custody::kInsteadOfMax));
  }
  std::vector<core::NodeId> nodes;
  for (const auto& bytes : request.instead_of()) {
    KADENZA_TRY(const auto id, messages::id_from<core::NodeId>(bytes));
    nodes.push_back(id);
  }
  return nodes;
}

}  // namespace

core::Task<Result<v1::KeepReply>> Custody::serve(peers::Caller caller, v1::KeepRequest request) {
  KADENZA_CO_TRY(const auto songs, unpack_songs(request.songs(), Branch{}));
  KADENZA_CO_TRY(const auto instead_of, nodes_from(request));
  parts_.directory.note_leaving(caller.id, request.leaving());
  v1::KeepReply reply;
  reply.set_promise_ms(static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(parts_.promises.time()).count()));
  std::map<placement::Partition, bool> mine;
  for (const auto& song : songs) {
    const auto partition = placement::partition_of(song.version.id, parts_.settings.partition_bits);
    const auto [known, is_new] = mine.try_emplace(partition, false);
    if (is_new) known->second = co_await keeps(partition, instead_of, caller.deadline);
    reply.add_songs(known->second ? answer(song, caller.id) : v1::NOT_A_HOLDER);
  }
  co_return reply;
}

core::Task<bool> Custody::keeps(placement::Partition partition, const std::vector<core::NodeId>& instead_of,
                                core::Deadline deadline) {
  const auto order = co_await parts_.directory.order(partition, deadline);
  co_return duty_of(order, parts_.settings, instead_of).keeps(parts_.directory.self().id);
}

v1::Keeping Custody::answer(const HeldCopy& song, const core::NodeId& source) {
  const auto ours = parts_.held.find(song.version.id);
  const bool here = ours && ours->version == song.version;
  // Who gives songs away promises none of them: whoever holds them in its place would wait for it.
  if (here ? holds_too_much() : !has_room_for(song.bytes)) return v1::NO_ROOM;
  if (here && parts_.promises.promise(song.version)) return v1::PROMISED;
  const std::lock_guard lock(mutex_);
  if (pending_.size() < kPendingMax) pending_.try_emplace(song.version.id, Errand{song, source, false});
  return v1::COMING;
}

bool Custody::holds_too_much() const {
  return parts_.songs.used_bytes() > parts_.songs.capacity_bytes();
}

bool Custody::has_room_for(std::uint64_t bytes) {
  const auto used = parts_.songs.used_bytes();
  const auto capacity = parts_.songs.capacity_bytes();
  const std::lock_guard lock(mutex_);
  return used <= capacity && bytes <= capacity - used && parts_.clock.now() >= no_room_until_;
}

void Custody::note_no_room() {
  const std::lock_guard lock(mutex_);
  no_room_until_ = parts_.clock.now() + parts_.promises.time() / 60;
}

core::Task<void> Custody::run() {
  const std::function<core::Task<bool>()> step = [this] { return run_errand(); };
  while (true) {
    co_await in_lanes(step);
    co_await parts_.timers.sleep_until(parts_.clock.now() + kLook);
  }
}

std::optional<Custody::Errand> Custody::next_errand() {
  const std::lock_guard lock(mutex_);
  const auto next = std::ranges::find_if(pending_, [](const auto& named) { return !named.second.begun; });
  if (next == pending_.end()) return std::nullopt;
  next->second.begun = true;
  return next->second;
}

/// False when there is none.
core::Task<bool> Custody::run_errand() {
  const auto errand = next_errand();
  if (!errand) co_return false;
  const auto& song = errand->song;
  const auto ours = parts_.held.find(song.version.id);
  if (ours && ours->version == song.version) {
    const auto read = co_await verify_song(parts_.songs, parts_.pace, song);
    if (read) parts_.promises.verified(song.version);
  } else if (const auto source = parts_.directory.contact(errand->source)) {
    co_await parts_.copy(*source, song);
  }
  const std::lock_guard lock(mutex_);
  pending_.erase(song.version.id);
  co_return true;
}

}  // namespace kadenza::distributed::repair
