// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <map>
#include <utility>
#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/task.hpp"
#include "distributed/placement/routing.hpp"
#include "sim/actions.hpp"
#include "sim/kademlia_swarm.hpp"
#include "sim/suspension.hpp"

namespace kadenza::sim {

/// Coroutines that wait for lookups of a swarm's nodes, as KademliaRouting's do in production. Takes the
/// swarm's on_finished. Must go before the Coroutines do.
class SwarmLookups {
 public:
  using Found = core::Result<std::vector<distributed::placement::Found>>;

  SwarmLookups(Actions& actions, KademliaSwarm& swarm);

  /// kDeadlineExceeded; kUnavailable: the node does not run, refuses, or crashed meanwhile.
  core::Task<Found> nearest(HostId host, kademlia::Key key, std::size_t count, core::Deadline deadline);

  /// The host's process ended.
  void crash(HostId host);

  std::uint64_t lookups() const { return lookups_; }

 private:
  using Key = std::pair<HostId, kademlia::LookupId>;
  void settle(const Key& key, Found found);

  Actions& actions_;
  KademliaSwarm& swarm_;
  std::uint64_t lookups_ = 0;
  std::map<Key, Found> early_;  ///< ended before anybody waited
  std::map<Key, Suspension<Found>> waiting_;
};

}  // namespace kadenza::sim
