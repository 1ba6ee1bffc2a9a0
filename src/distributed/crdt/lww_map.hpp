// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "distributed/crdt/stamp.hpp"

namespace kadenza::distributed::crdt {

/// Keys and values of which the last write wins (Shapiro et al. 2011). A removal is a write, too, and leaves
/// a tombstone. Merging is commutative, associative and idempotent; a map with some of the entries is a
/// delta. Pure; one owner.
class LwwMap {
 public:
  struct Entry {
    Stamp stamp;
    std::optional<std::string> value;  ///< none: removed

    friend auto operator<=>(const Entry&, const Entry&) = default;
  };
  using Entries = std::map<std::string, Entry, std::less<>>;

  LwwMap() = default;
  explicit LwwMap(Entries entries) : entries_(std::move(entries)) {}

  /// These answer false, and nothing has happened, when something later is there already.
  bool put(std::string_view key, std::string value, Stamp stamp);
  bool remove(std::string_view key, Stamp stamp);

  /// Null when there is none. Valid until the next change.
  const std::string* find(std::string_view key) const;
  /// With tombstones, in the order of keys.
  const Entries& entries() const noexcept { return entries_; }

  /// True when it brought anything.
  bool merge(const LwwMap& other);
  Stamp newest() const;
  /// Drops the tombstones of removals before `moment`.
  void forget_removals(core::WallTime moment);
  /// Drops an entry without a trace: for what every node drops at the same time by itself.
  void drop(std::string_view key);

  friend bool operator==(const LwwMap&, const LwwMap&) = default;

 private:
  bool take(std::string_view key, Entry entry);

  Entries entries_;
};

}  // namespace kadenza::distributed::crdt
