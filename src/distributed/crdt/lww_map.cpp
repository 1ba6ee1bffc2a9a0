// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/crdt/lww_map.hpp"

#include <algorithm>

namespace kadenza::distributed::crdt {

bool LwwMap::take(std::string_view key, Entry entry) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) {
    entries_.emplace(std::string(key), std::move(entry));
    return true;
  }
  // Two values under one stamp come from a faulty writer only; every node has to choose the same one.
  if (entry <= found->second) return false;
  found->second = std::move(entry);
  return true;
}

bool LwwMap::put(std::string_view key, std::string value, Stamp stamp) {
  return take(key, {stamp, std::move(value)});
}

bool LwwMap::remove(std::string_view key, Stamp stamp) {
  return take(key, {stamp, std::nullopt});
}

const std::string* LwwMap::find(std::string_view key) const {
  const auto found = entries_.find(key);
  return found == entries_.end() || !found->second.value ? nullptr : &*found->second.value;
}

bool LwwMap::merge(const LwwMap& other) {
  bool changed = false;
  for (const auto& [key, entry] : other.entries_) changed |= take(key, entry);
  return changed;
}

Stamp LwwMap::newest() const {
  Stamp newest;
  for (const auto& [key, entry] : entries_) newest = std::max(newest, entry.stamp);
  return newest;
}

void LwwMap::forget_removals(core::WallTime moment) {
  std::erase_if(entries_,
                [&](const auto& entry) { return !entry.second.value && entry.second.stamp.wall() < moment; });
}

void LwwMap::drop(std::string_view key) {
  const auto found = entries_.find(key);
  if (found != entries_.end()) entries_.erase(found);
}

}  // namespace kadenza::distributed::crdt
