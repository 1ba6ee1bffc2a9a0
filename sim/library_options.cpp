// SPDX-License-Identifier: AGPL-3.0-or-later
#include "sim/library_options.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace kadenza::sim {
namespace {

double sometimes(Random& random, double most) {
  return random.chance(0.5) ? random.uniform() * most : 0;
}

}  // namespace

LibraryOptions LibraryOptions::draw(std::uint64_t seed) {
  Random random(seed ^ 0x6c696272617279U);
  LibraryOptions options;
  options.hosts = static_cast<std::uint32_t>(random.between(4, 10));
  auto& settings = options.settings;
  if (random.chance(0.3)) {
    settings.replicas = static_cast<std::uint32_t>(random.between(2, 4));
    settings.write_quorum = static_cast<std::uint32_t>(random.between(2, settings.replicas));
  }
  const auto spare = options.hosts - settings.replicas;
  if (random.chance(0.4)) options.late_hosts = static_cast<std::uint32_t>(random.between(0, spare));
  if (random.chance(0.3)) options.small_disks = static_cast<std::uint32_t>(random.between(0, spare));
  options.uploads = 4 + random.uniform() * 12;
  options.conflicts = sometimes(random, 0.6);
  options.plays = 10 + random.uniform() * 20;
  options.loss = sometimes(random, 0.05);
  options.crashes = sometimes(random, 6);
  options.lost_disks = sometimes(random, 1);
  options.rot = sometimes(random, 3);
  options.stalls = sometimes(random, 3);
  options.partitions = sometimes(random, 2);
  options.slow_disks = sometimes(random, 2);
  options.departures = random.chance(0.3) ? 0.5 : 0;
  options.wrong_clocks = sometimes(random, 1);
  options.edits = 10 + random.uniform() * 40;
  return options;
}

std::string LibraryOptions::text() const {
  return fmt::format(
      "{} hosts ({} late, {} with small disks), {}; uploads {:.1f}/min ({:.0f} % of known songs), plays "
      "{:.1f}/min, edits {:.1f}/min, loss {:.3f}; per minute: crashes {:.1f}, lost disks {:.1f}, rot {:.1f}, "
      "stalls {:.1f}, "
      "partitions {:.1f}, slow disks {:.1f}, departures {:.1f}; wrong clocks {:.0f} %",
      hosts, late_hosts, small_disks, settings.text(), uploads, conflicts * 100, plays, edits, loss, crashes,
      lost_disks, rot, stalls, partitions, slow_disks, departures, wrong_clocks * 100);
}

}  // namespace kadenza::sim
