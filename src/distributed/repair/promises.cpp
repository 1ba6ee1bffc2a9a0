// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/repair/promises.hpp"

#include <algorithm>

#include "core/planted_bugs.hpp"

namespace kadenza::distributed::repair {

void Promises::verified(const RowVersion& song) {
  const std::lock_guard lock(mutex_);
  auto& entry = entries_[song.id];
  if (entry.going) return;
  entry.version = song.version;
  entry.verified = clock_.now();
  if (entries_.size() > forget_above_) forget_old();
}

void Promises::doubted(const core::SongId& id) {
  const std::lock_guard lock(mutex_);
  if (const auto found = entries_.find(id); found != entries_.end()) found->second.verified.reset();
}

bool Promises::promise(const RowVersion& song) {
  const auto now = clock_.now();
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(song.id);
  if (found == entries_.end()) return false;
  auto& entry = found->second;
  const bool fresh = entry.verified && now - *entry.verified <= time_;
  const bool promised_since = entry.verified && entry.bound_until && *entry.bound_until >= now;
  if ((!fresh && !promised_since) || entry.going || entry.version != song.version) return false;
  entry.bound_until = now + time_;
  return true;
}

bool Promises::let_go(const core::SongId& id) {
  const auto now = clock_.now();
  if (now < started_ + time_) return false;
  const std::lock_guard lock(mutex_);
  auto& entry = entries_[id];
  const bool bound = entry.bound_until && *entry.bound_until >= now;
  if (entry.going || (bound && !core::planted(core::PlantedBug::kPromiseForgotten))) return false;
  entry.going = true;
  return true;
}

void Promises::settled(const core::SongId& id) {
  const std::lock_guard lock(mutex_);
  entries_.erase(id);
}

/// Verified too long ago to promise, and bound by nothing.
void Promises::forget_old() {
  const auto now = clock_.now();
  std::erase_if(entries_, [&](const auto& named) {
    const auto& entry = named.second;
    const bool fresh = entry.verified && now - *entry.verified <= time_;
    return !fresh && !entry.going && !(entry.bound_until && *entry.bound_until >= now);
  });
  forget_above_ = std::max<std::size_t>(10'000, 2 * entries_.size());
}

}  // namespace kadenza::distributed::repair
