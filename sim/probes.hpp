// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "sim/kademlia_swarm.hpp"
#include "sim/population.hpp"

namespace kadenza::sim {

/// One finished lookup, compared with what only the simulator knows.
struct LookupRecord {
  static constexpr std::uint16_t kFirst = 3;  ///< a key's holders

  kademlia::LookupGoal::Kind kind{};
  HostId host = 0;
  core::Duration took{};
  std::uint16_t sent = 0;
  std::uint8_t hops = 0;
  std::uint16_t found = 0;  ///< of the nodes truly nearest
  std::uint16_t wanted = 0;
  std::uint16_t silent = 0;       ///< in the result without having answered
  std::uint16_t found_first = 0;  ///< of the kFirst nodes truly nearest
};

/// Starts lookups for random keys from random nodes and judges their results. Takes the swarm's on_finished.
class Probes {
 public:
  Probes(Engine& engine, Actions& actions, KademliaSwarm& swarm, Population& population);

  /// `per_second` lookups from now on, for so long; every second one is enough-for-a-read.
  void begin(double per_second, core::Duration lasting);

  const std::vector<LookupRecord>& records() const { return records_; }
  void clear() { records_.clear(); }

  /// Lookups that have not ended although their node ran all the time, the oldest first.
  std::size_t pending_longer_than(core::Duration age) const;

 private:
  struct Pending {
    kademlia::Key target;
    kademlia::LookupGoal goal;
    core::Instant started;
    core::Instant process_joined;
  };
  void start_one();
  void finished(HostId host, const kademlia::LookupResult& result);

  Engine& engine_;
  Actions& actions_;
  KademliaSwarm& swarm_;
  Population& population_;
  Random random_;
  std::uint64_t started_ = 0;
  std::map<std::pair<HostId, kademlia::LookupId>, Pending> pending_;
  std::vector<LookupRecord> records_;
};

}  // namespace kadenza::sim
