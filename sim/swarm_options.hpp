// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>

#include "core/clock.hpp"
#include "sim/network.hpp"
#include "sim/random.hpp"

namespace kadenza::sim {

/// Everything that can be different between two runs of a swarm. Drawn from the seed (swarm testing, Groce et
/// al. 2012: leaving features out of a run finds what always having all of them hides).
struct SwarmOptions {
  enum class Partition : std::uint8_t { kNone, kSymmetric, kAsymmetric };

  std::uint32_t nodes = 300;
  NetworkFaults network;  ///< of the safety phase
  double joins_per_second = 20;
  double crashes_per_minute = 0;     ///< share of the running nodes
  double restarts_with_table = 0.5;  ///< of those that come back, the others forget everything
  core::Duration down_mean = std::chrono::seconds(30);
  double leaves = 0;  ///< share of nodes behind NAT, of class 0
  Partition partition = Partition::kNone;
  double partition_share = 0;  ///< of the nodes that are cut off
  core::Duration partition_lasts{};
  double clock_drift = 0;        ///< at most, seconds per second, either way
  double stalls_per_minute = 0;  ///< share of the running nodes, each for up to stall_max
  core::Duration stall_max{};
  double lookups_per_second = 2;
  core::Duration safety = std::chrono::minutes(3);  ///< how long the phase with faults lasts

  /// `nodes` 0: between 20 and 300, drawn.
  static SwarmOptions draw(Random& random, std::uint32_t nodes);
  std::string text() const;
};

}  // namespace kadenza::sim
