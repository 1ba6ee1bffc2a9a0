// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "distributed/crdt/lww_map.hpp"
#include "distributed/crdt/stamp.hpp"

namespace kadenza::distributed::crdt {

/// A map whose removals are final: what was removed anywhere is gone for ever, whatever was written before,
/// meanwhile or afterwards, and its key is never used again. Among writes the last wins. Merging is
/// commutative, associative and idempotent; a map with some of the entries is a delta. Pure; one owner.
class FinalMap {
 public:
  using Removals = std::map<std::string, Stamp, std::less<>>;

  FinalMap() = default;
  FinalMap(LwwMap live, Removals removals);

  /// False, and nothing has happened, when the key was removed or something later is there already.
  bool put(std::string_view key, std::string value, Stamp stamp);
  /// Also of a key that was never there. False when this removal was known.
  bool remove(std::string_view key, Stamp stamp);

  /// Null when there is none. Valid until the next change.
  const std::string* find(std::string_view key) const { return live_.find(key); }
  bool was_removed(std::string_view key) const { return removals_.contains(key); }
  /// In the order of keys, without tombstones.
  const LwwMap::Entries& entries() const noexcept { return live_.entries(); }
  /// When each key was removed.
  const Removals& removals() const noexcept { return removals_; }

  bool merge(const FinalMap& other);
  Stamp newest() const;
  /// Only for keys that no node can still hold: a copy that comes back later would live again.
  void forget_removals(core::WallTime moment);
  /// Keeps the `count` latest removals.
  void forget_removals_beyond(std::size_t count);
  /// Drops an entry without a trace: for what every node drops at the same time by itself.
  void drop(std::string_view key) { live_.drop(key); }

  friend bool operator==(const FinalMap&, const FinalMap&) = default;

 private:
  LwwMap live_;
  Removals removals_;
};

}  // namespace kadenza::distributed::crdt
