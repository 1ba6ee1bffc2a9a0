// SPDX-License-Identifier: AGPL-3.0-or-later
#include "sim/network.hpp"

#include <algorithm>

namespace kadenza::sim {

namespace {

constexpr core::Duration kMinimumRetransmission = std::chrono::milliseconds(200);
constexpr int kMaximumRetransmissions = 8;

}  // namespace

HostId Network::add_host() {
  hosts_.push_back({.place = latency_.draw_place(random_)});
  return static_cast<HostId>(hosts_.size() - 1);
}

bool Network::passes_nat(HostId from, HostId to, core::Instant now) const {
  if (!hosts_[to].nat) return true;
  const auto sent = nat_sent_.find({to, from});
  return sent != nat_sent_.end() && now - sent->second <= kNatMemory;
}

Network::Fate Network::send_datagram(HostId from, HostId to, core::Instant now) {
  if (hosts_[from].nat) nat_sent_[{from, to}] = now;
  Fate fate;
  if (!hosts_[from].up || cut_between(from, to) || !passes_nat(from, to, now)) return fate;
  if (random_.chance(faults.loss)) return fate;
  fate.copies = random_.chance(faults.duplication) ? 2 : 1;
  for (std::uint8_t copy = 0; copy < fate.copies; ++copy) {
    fate.after[copy] = latency_.one_way(hosts_[from].place, hosts_[to].place, random_);
    if (random_.chance(faults.reordering)) {
      fate.after[copy] += core::Duration(random_.between(0, faults.reordering_delay.count()));
    }
  }
  return fate;
}

bool Network::connected(HostId from, HostId to) const {
  return hosts_[from].up && hosts_[to].up && !cut_between(from, to) && !cut_between(to, from);
}

core::Duration Network::stream_delay(HostId from, HostId to) {
  core::Duration delay = latency_.one_way(hosts_[from].place, hosts_[to].place, random_);
  core::Duration timeout = std::max(kMinimumRetransmission, 2 * round_trip(from, to));
  for (int tries = 0; tries < kMaximumRetransmissions && random_.chance(faults.loss); ++tries) {
    delay += timeout;
    timeout *= 2;
  }
  return delay;
}

core::Duration Network::Traffic::add(double seconds, core::Instant now) {
  const auto lasting = [](double value) {
    return std::chrono::duration_cast<core::Duration>(std::chrono::duration<double>(value));
  };
  std::erase_if(ends, [now](core::Instant end) { return end <= now; });
  const auto others = std::max<std::size_t>(ends.size(), free > now ? 1 : 0);
  free = std::max(free, now) + lasting(seconds);
  const auto shared = now + lasting(seconds * static_cast<double>(others + 1));
  return ends.emplace_back(std::min(free, shared)) - now;
}

core::Duration Network::transmission(HostId from, HostId to, std::size_t bytes, core::Instant now) {
  const auto size = static_cast<double>(bytes);
  core::Duration took{};
  if (const double up = hosts_[from].line.up; up > 0) took = hosts_[from].leaving.add(size / up, now);
  if (const double down = hosts_[to].line.down; down > 0) {
    took = std::max(took, hosts_[to].coming.add(size / down, now));
  }
  return took;
}

core::Duration Network::round_trip(HostId a, HostId b) const {
  return latency_.round_trip(hosts_[a].place, hosts_[b].place);
}

}  // namespace kadenza::sim
