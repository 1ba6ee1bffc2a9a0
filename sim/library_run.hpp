// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "sim/library_options.hpp"

namespace kadenza::sim {

struct LibraryReport {
  std::uint64_t trace_hash = 0;
  std::uint64_t events = 0;  ///< of the engine
  double node_hours = 0;     ///< hosts × virtual time
  core::Duration healed{};   ///< from the end of the faults until everything was whole
  std::map<std::string, std::uint64_t> happened;
  std::vector<std::string> violations;  ///< empty = good
};

/// One run of whole members: people upload and listen under the faults of `options` (safety phase: nothing
/// acknowledged is lost, no wrong byte delivered, everything ends), then the faults stop, and after a while
/// every song must be whole, in its place, and playable everywhere (liveness phase).
LibraryReport run_library(std::uint64_t seed, const LibraryOptions& options);

}  // namespace kadenza::sim
