// SPDX-License-Identifier: AGPL-3.0-or-later
#include "sim/population.hpp"

#include <algorithm>

#include "sim/durations.hpp"

namespace kadenza::sim {

namespace {

constexpr int kSeeds = 3;
constexpr int kDrawsMax = 200;

}  // namespace

core::Instant Population::join(std::vector<HostId> hosts, double per_second) {
  core::Instant when = engine_.now();
  for (const HostId host : hosts) {
    actions_.at(when, [this, host] { start(host); });
    when += duration_of(1 / per_second);
  }
  return when;
}

void Population::start(HostId host) {
  if (swarm_.running(host)) return;
  std::vector<HostId> seeds;
  for (int draw = 0; draw < kDrawsMax && seeds.size() < kSeeds; ++draw) {
    const auto seed = static_cast<HostId>(random_.below(swarm_.size()));
    const bool useful = swarm_.running(seed) && swarm_.contact(seed).capacity_class != 0;
    if (useful && std::find(seeds.begin(), seeds.end(), seed) == seeds.end()) seeds.push_back(seed);
  }
  if (seeds.empty() && host != 0) seeds.push_back(0);  // the first node of the network
  swarm_.start(host, seeds);
}

HostId Population::any_running() {
  for (;;) {
    const auto host = static_cast<HostId>(random_.below(swarm_.size()));
    if (swarm_.running(host)) return host;
  }
}

void Population::begin_churn(const Churn& churn) {
  if (churn.crashes_per_minute > 0) crash_next(churn, churn_round_);
}

void Population::crash_next(Churn churn, std::uint64_t round) {
  const double per_second = churn.crashes_per_minute / 60 * static_cast<double>(swarm_.size());
  actions_.after(duration_of(random_.exponential(1 / per_second)), [this, churn, round] {
    if (round != churn_round_) return;
    const HostId victim = any_running();
    swarm_.crash(victim, random_.chance(churn.restarts_with_table) ? KademliaSwarm::Table::kSaved
                                                                   : KademliaSwarm::Table::kLost);
    const double down = random_.exponential(std::chrono::duration<double>(churn.down_mean).count());
    actions_.after(duration_of(down), [this, victim] { start(victim); });
    crash_next(churn, round);
  });
}

}  // namespace kadenza::sim
