// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "core/clock.hpp"
#include "distributed/cluster/settings.hpp"
#include "sim/random.hpp"

namespace kadenza::sim {

/// Everything that can be different between two runs of a cluster with songs. Drawn from the seed, as
/// SwarmOptions are. Rates are per minute, of the whole cluster; 0: such a thing does not happen.
struct LibraryOptions {
  std::uint32_t hosts = 6;
  std::uint32_t late_hosts = 0;  ///< of them, those that begin during the safety phase
  distributed::cluster::Settings settings{.partition_bits = 8};
  double uploads = 12;
  double conflicts = 0.2;  ///< share of the uploads: the title, artist and album of an earlier one
  double plays = 20;
  double edits = 30;              ///< of documents
  std::uint32_t small_disks = 0;  ///< hosts whose disk holds a few songs only
  double loss = 0;

  double crashes = 0;
  double lost_disks = 0;
  double rot = 0;
  double stalls = 0;
  double partitions = 0;
  double slow_disks = 0;
  double departures = 0;    ///< after handing everything over
  double wrong_clocks = 0;  ///< share of the first host's starts: its calendar is off by up to 10 minutes

  core::Duration grace = std::chrono::seconds(20);
  core::Duration compare = std::chrono::seconds(20);  ///< between comparisons
  core::Duration promise = std::chrono::seconds(80);
  core::Duration safety = std::chrono::minutes(3);   ///< how long the phase with faults lasts
  core::Duration healing = std::chrono::minutes(8);  ///< until everything must be whole again, at most

  static LibraryOptions draw(std::uint64_t seed);
  std::string text() const;
};

}  // namespace kadenza::sim
