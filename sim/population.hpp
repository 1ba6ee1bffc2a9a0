// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "sim/actions.hpp"
#include "sim/kademlia_swarm.hpp"

namespace kadenza::sim {

/// Nodes that come and go: joins at a rate, crashes and restarts as a Poisson process. Owned by a scenario.
class Population {
 public:
  Population(Engine& engine, Actions& actions, KademliaSwarm& swarm)
      : engine_(engine), actions_(actions), swarm_(swarm), random_(engine.random().fork()) {}

  /// Starts these hosts one after the other; each knows up to three that run. Returns when the last one
  /// starts.
  core::Instant join(std::vector<HostId> hosts, double per_second);

  struct Churn {
    double crashes_per_minute = 0;  ///< share of the running nodes
    core::Duration down_mean{};
    double restarts_with_table = 1;
  };
  /// Crashes random nodes until stop_churn(); each comes back after a random time.
  void begin_churn(const Churn& churn);
  void end_churn() { ++churn_round_; }

  void start(HostId host);
  /// A random running host; there must be one.
  HostId any_running();

 private:
  void crash_next(Churn churn, std::uint64_t round);

  Engine& engine_;
  Actions& actions_;
  KademliaSwarm& swarm_;
  Random random_;
  std::uint64_t churn_round_ = 0;
};

}  // namespace kadenza::sim
