// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "core/clock.hpp"
#include "sim/latency.hpp"
#include "sim/random.hpp"

namespace kadenza::sim {

using HostId = std::uint32_t;

/// What goes wrong on the way. Probabilities per datagram.
struct NetworkFaults {
  double loss = 0;
  double duplication = 0;
  double reordering = 0;  ///< delayed further, so that later ones overtake it
  core::Duration reordering_delay = std::chrono::milliseconds(200);  ///< at most
};

/// How fast a host's line is, in bytes a second each way. 0: its bytes take no time.
struct Line {
  double up = 0;
  double down = 0;
};

/// The internet between the hosts: who reaches whom, and after how long. It carries no messages itself:
/// whoever sends asks it for a fate and schedules the arrival. Single-threaded; chance comes from its own
/// stream.
class Network {
 public:
  static constexpr std::size_t kGroups = 4;
  /// How long a home router remembers whom its host wrote to (RFC 4787 wants 2 minutes; many keep 30–60 s).
  static constexpr core::Duration kNatMemory = std::chrono::seconds(60);

  explicit Network(Random random) : random_(random) {}

  HostId add_host();
  std::size_t size() const { return hosts_.size(); }

  NetworkFaults faults;  ///< may be changed at any time

  /// A host that is down is silent: nothing leaves it or reaches it.
  void set_up(HostId host, bool up) { hosts_[host].up = up; }
  bool up(HostId host) const { return hosts_[host].up; }

  /// Behind a home router: hears only from hosts that it wrote to in the last kNatMemory.
  void set_behind_nat(HostId host, bool nat) { hosts_[host].nat = nat; }
  bool behind_nat(HostId host) const { return hosts_[host].nat; }

  /// Partitions: hosts are in groups (0 at first); packets from one group to another can be cut, in one
  /// direction only if asked so.
  void set_group(HostId host, std::uint8_t group) { hosts_[host].group = group; }
  void cut(std::uint8_t from, std::uint8_t to) { cut_[from][to] = true; }
  void heal() { cut_ = {}; }

  void set_line(HostId host, Line line) { hosts_[host].line = line; }
  const Line& line(HostId host) const { return hosts_[host].line; }
  /// How long until the last of so many bytes, which `from` has for `to` now, has passed both lines. They get
  /// their share among what is on the line when they come, and never wait longer than in one queue. Without
  /// the way between the lines.
  core::Duration transmission(HostId from, HostId to, std::size_t bytes, core::Instant now);

  struct Fate {
    std::uint8_t copies = 0;  ///< 0: lost on the way
    std::array<core::Duration, 2> after{};
  };
  /// Of a datagram sent now. The receiver may still be down when it arrives: see up().
  Fate send_datagram(HostId from, HostId to, core::Instant now);

  /// Of one flight of a connection's bytes, which the transport repeats until it arrives: lost segments cost
  /// time-outs (RFC 6298: at least 200 ms on Linux, doubling) instead of being lost. Empty when nothing can
  /// pass now in this direction, or in the other one, in which the acknowledgements travel.
  bool connected(HostId from, HostId to) const;
  core::Duration stream_delay(HostId from, HostId to);

  /// Without queues: the floor below which no request can be answered.
  core::Duration round_trip(HostId a, HostId b) const;

 private:
  /// What is on a line in one direction.
  struct Traffic {
    core::Instant free{};             ///< when all of it will have passed
    std::vector<core::Instant> ends;  ///< of each part

    core::Duration add(double seconds, core::Instant now);
  };
  struct Host {
    Place place;
    bool up = true;
    bool nat = false;
    std::uint8_t group = 0;
    Line line;
    Traffic leaving, coming;
  };

  bool passes_nat(HostId from, HostId to, core::Instant now) const;
  bool cut_between(HostId from, HostId to) const { return cut_[hosts_[from].group][hosts_[to].group]; }

  Random random_;
  LatencyModel latency_;
  std::vector<Host> hosts_;
  std::array<std::array<bool, kGroups>, kGroups> cut_{};
  std::map<std::pair<HostId, HostId>, core::Instant> nat_sent_;  // (host behind NAT, remote) -> last sent
};

}  // namespace kadenza::sim
