// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/crdt/final_map.hpp"

#include <algorithm>
#include <functional>
#include <vector>

namespace kadenza::distributed::crdt {

FinalMap::FinalMap(LwwMap live, Removals removals) : live_(std::move(live)), removals_(std::move(removals)) {
  for (const auto& [key, stamp] : removals_) live_.drop(key);
}

bool FinalMap::put(std::string_view key, std::string value, Stamp stamp) {
  return !was_removed(key) && live_.put(key, std::move(value), stamp);
}

bool FinalMap::remove(std::string_view key, Stamp stamp) {
  live_.drop(key);
  const auto found = removals_.find(key);
  if (found == removals_.end()) {
    removals_.emplace(std::string(key), stamp);
    return true;
  }
  if (stamp <= found->second) return false;
  found->second = stamp;
  return true;
}

bool FinalMap::merge(const FinalMap& other) {
  bool changed = false;
  for (const auto& [key, stamp] : other.removals_) changed |= remove(key, stamp);
  for (const auto& [key, entry] : other.live_.entries()) {
    if (entry.value) changed |= put(key, *entry.value, entry.stamp);
  }
  return changed;
}

Stamp FinalMap::newest() const {
  Stamp newest = live_.newest();
  for (const auto& [key, stamp] : removals_) newest = std::max(newest, stamp);
  return newest;
}

void FinalMap::forget_removals(core::WallTime moment) {
  std::erase_if(removals_, [&](const auto& removal) { return removal.second.wall() < moment; });
}

void FinalMap::forget_removals_beyond(std::size_t count) {
  if (removals_.size() <= count) return;
  std::vector<std::pair<Stamp, std::string>> latest;
  for (const auto& [key, stamp] : removals_) latest.emplace_back(stamp, key);
  std::ranges::sort(latest, std::greater());
  for (std::size_t i = count; i < latest.size(); ++i) removals_.erase(latest[i].second);
}

}  // namespace kadenza::distributed::crdt
