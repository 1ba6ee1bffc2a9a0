// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <map>
#include <optional>

#include "core/clock.hpp"
#include "distributed/kademlia/distance.hpp"

namespace kadenza::distributed::placement {

/// A subtree of Kademlia's id space: the keys that begin with the same bits.
struct Region {
  kademlia::Key prefix;  ///< padded with zeros
  int bits = 0;          ///< how many of them count

  /// The one around `key` of so many bits (0 … 256).
  static Region around(const kademlia::Key& key, int bits) noexcept;
  bool contains(const Region& other) const noexcept;
  Region half(bool second) const noexcept;  ///< of bits + 1

  friend bool operator==(const Region&, const Region&) = default;
};

/// Which parts of the id space this node has seen whole, and when: a lookup that found the C nodes nearest to
/// a key has met every node of the largest region around the key that is nearer than the farthest of them. So
/// about n / C lookups show a network of n nodes, however many partitions it has. Regions do not overlap. Not
/// thread-safe.
class KnownRegions {
 public:
  static constexpr std::size_t kRegionsMax = 4096;

  /// All of `region` was seen.
  void seen(const Region& region, core::Instant now);

  struct Part {
    Region region;
    std::optional<core::Instant> seen;  ///< none: never, or too long ago to remember
  };
  /// Of the parts that make up `region`, the one seen longest ago.
  Part stalest_in(const Region& region) const;
  /// Somebody relies on `region`.
  void note_use(const Region& region, core::Instant now);
  /// Of all that somebody relied on since `since`, the one seen longest ago.
  std::optional<Part> stalest_used(core::Instant since) const;

  std::size_t size() const noexcept { return regions_.size(); }

 private:
  struct Known {
    int bits = 0;
    core::Instant seen{};
    std::optional<core::Instant> used;
  };
  using Map = std::map<kademlia::Key, Known>;
  static Region region_of(const Map::value_type& entry) { return {entry.first, entry.second.bits}; }
  /// The one that contains all of `region`, or end.
  Map::const_iterator around(const Region& region) const;

  Map regions_;  // by prefix
};

}  // namespace kadenza::distributed::placement
