// SPDX-License-Identifier: AGPL-3.0-or-later
#include "sim/swarm_options.hpp"

#include <chrono>

#include <fmt/format.h>

namespace kadenza::sim {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

double sometimes(Random& random, double most) {
  return random.chance(0.5) ? random.uniform() * most : 0;
}

const char* name(SwarmOptions::Partition partition) {
  switch (partition) {
    case SwarmOptions::Partition::kNone:
      return "none";
    case SwarmOptions::Partition::kSymmetric:
      return "symmetric";
    case SwarmOptions::Partition::kAsymmetric:
      return "asymmetric";
  }
  return "";
}

}  // namespace

SwarmOptions SwarmOptions::draw(Random& random, std::uint32_t nodes) {
  SwarmOptions options;
  options.nodes = nodes != 0 ? nodes : static_cast<std::uint32_t>(random.between(20, 300));
  options.network.loss = sometimes(random, 0.3);
  options.network.duplication = sometimes(random, 0.1);
  options.network.reordering = sometimes(random, 0.2);
  options.network.reordering_delay = milliseconds(random.between(10, 2000));
  options.joins_per_second = 5 + random.uniform() * 95;
  options.crashes_per_minute = sometimes(random, 0.2);
  options.restarts_with_table = random.uniform();
  options.down_mean = seconds(random.between(2, 120));
  options.leaves = sometimes(random, 0.3);
  if (random.chance(0.5)) {
    options.partition = random.chance(0.5) ? Partition::kSymmetric : Partition::kAsymmetric;
    options.partition_share = 0.05 + random.uniform() * 0.45;
    options.partition_lasts = seconds(random.between(5, 90));
  }
  options.clock_drift = sometimes(random, 0.01);
  options.stalls_per_minute = sometimes(random, 0.2);
  options.stall_max = seconds(random.between(1, 20));
  options.lookups_per_second = 0.5 + random.uniform() * 4;
  return options;
}

std::string SwarmOptions::text() const {
  const auto in_seconds = [](core::Duration duration) {
    return std::chrono::duration<double>(duration).count();
  };
  return fmt::format(
      "nodes {} loss {:.3f} duplication {:.3f} reordering {:.3f}/{:.2f}s joins {:.0f}/s crashes {:.3f}/min "
      "(down {:.0f}s, "
      "{:.0f} % with table) leaves {:.2f} partition {} {:.2f}/{:.0f}s drift {:.4f} stalls {:.3f}/min (up to "
      "{:.0f}s) "
      "lookups {:.1f}/s",
      nodes, network.loss, network.duplication, network.reordering, in_seconds(network.reordering_delay),
      joins_per_second, crashes_per_minute, in_seconds(down_mean), restarts_with_table * 100, leaves,
      name(partition), partition_share, in_seconds(partition_lasts), clock_drift, stalls_per_minute,
      in_seconds(stall_max), lookups_per_second);
}

}  // namespace kadenza::sim
