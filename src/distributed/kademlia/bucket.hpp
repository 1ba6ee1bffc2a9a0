// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "core/planted_bugs.hpp"
#include "distributed/kademlia/config.hpp"
#include "distributed/kademlia/contact.hpp"
#include "distributed/kademlia/rtt.hpp"

namespace kadenza::distributed::kademlia {

/// A contact with what we know of its life. 72 bytes.
struct Entry {
  /// Failures in a row from which on nobody is told of this contact. One lost packet must not hide a node.
  static constexpr std::uint8_t kExcludedFrom = 2;

  Instant checked{};  ///< when it was last heard or, failing that, tried; for hearsay: when it was named
  RttEstimate rtt;    ///< known = it has answered us at least once
  Contact contact;
  std::uint8_t failures = 0;

  bool excluded() const noexcept {
    return failures >= (core::planted(core::PlantedBug::kOneFailureHides) ? 1 : kExcludedFrom);
  }
};

/// Room for one more of at most `limit` entries, made in quarters: most of a node's memory is its buckets,
/// the deep ones never fill, and doubling would leave a third of the full ones empty.
void make_room(std::vector<Entry>& entries, std::size_t limit);

/// The contacts at one distance: at most k live ones, all proven by a reply, and a few replacements. Owned by
/// RoutingTable, which knows how many are allowed.
struct Bucket {
  std::vector<Entry> live;
  std::vector<Entry> cache;

  Entry* find_live(const NodeId& id) noexcept;
  Entry* find_cached(const NodeId& id) noexcept;
  const Entry* find_live(const NodeId& id) const noexcept;
  const Entry* find_cached(const NodeId& id) const noexcept;
  Entry* dead() noexcept;  ///< the excluded contact with the most failures, or nullptr

  /// The live contact that `rtt` may replace because it is at least twice as near; or nullptr. The factor
  /// keeps old, reliable contacts in place: whoever attacks is fast, too.
  Entry* much_farther_than(const RttEstimate& rtt) noexcept;

  /// Keeps `entry` as a replacement: proven before hearsay, near before far, and of hearsay the newest.
  void remember(const Entry& entry, std::size_t cache_size);
  void forget_cached(const NodeId& id) noexcept;
};

}  // namespace kadenza::distributed::kademlia
