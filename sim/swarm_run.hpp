// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/swarm_options.hpp"

namespace kadenza::sim {

struct SwarmReport {
  std::uint64_t trace_hash = 0;
  std::uint64_t events = 0;
  std::size_t lookups = 0;
  double recall = 0;                    ///< of the liveness phase
  std::vector<std::string> violations;  ///< empty = good
};

/// One run: the network forms and lives under the faults of `options` (safety phase: nothing may break), then
/// the faults stop, everybody comes back, and after a while everything must work (liveness phase).
SwarmReport run_swarm(std::uint64_t seed, const SwarmOptions& options);

/// The options that belong to a seed. `nodes` 0: drawn, too.
SwarmOptions options_of(std::uint64_t seed, std::uint32_t nodes);

}  // namespace kadenza::sim
