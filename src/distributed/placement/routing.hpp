// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/task.hpp"
#include "distributed/kademlia/contact.hpp"
#include "distributed/kademlia/distance.hpp"
#include "distributed/kademlia/outbox.hpp"

namespace kadenza::distributed::placement {

/// A node that a lookup found.
struct Found {
  // NOLINTNEXTLINE(google-explicit-constructor): a node whose nearness nobody measured
  Found(kademlia::Contact who, std::optional<core::Duration> took = std::nullopt)
      : contact(who), round_trip(took) {}

  kademlia::Contact contact;
  std::optional<core::Duration> round_trip;  ///< of the lookup's question to it
};

/// What a lookup for the nearest came to.
inline std::vector<Found> found(const kademlia::LookupResult& result) {
  std::vector<Found> all;
  for (std::size_t i = 0; i < result.contacts.size(); ++i)
    all.emplace_back(result.contacts[i], result.round_trips[i]);
  return all;
}

/// Finds nodes: Kademlia's lookup, in production and in the simulator. Thread-safe.
class Routing {
 public:
  virtual ~Routing() = default;

  /// The `count` (at most 40) live nodes nearest to `key`, nearest first, without this one. Fewer: there are
  /// no more.
  virtual core::Task<core::Result<std::vector<Found>>> nearest(kademlia::Key key, std::size_t count,
                                                               core::Deadline deadline) = 0;
};

}  // namespace kadenza::distributed::placement
