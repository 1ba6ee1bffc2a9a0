// SPDX-License-Identifier: AGPL-3.0-or-later
#include "sim/swarm_lookups.hpp"

namespace kadenza::sim {

using core::Errc;

SwarmLookups::SwarmLookups(Actions& actions, KademliaSwarm& swarm) : actions_(actions), swarm_(swarm) {
  swarm_.on_finished = [this](HostId host, const kademlia::LookupResult& result) {
    settle({host, result.id}, distributed::placement::found(result));
  };
}

void SwarmLookups::settle(const Key& key, Found found) {
  auto waiting = waiting_.extract(key);
  if (waiting.empty()) {
    early_.insert_or_assign(key, std::move(found));
  } else {
    waiting.mapped().resume(std::move(found));
  }
}

core::Task<SwarmLookups::Found> SwarmLookups::nearest(HostId host, kademlia::Key key, std::size_t count,
                                                      core::Deadline deadline) {
  if (!swarm_.running(host)) co_return core::fail(Errc::kUnavailable, "this node does not run");
  early_.clear();
  const auto id = swarm_.look_up(host, key, kademlia::LookupGoal::nearest(static_cast<std::uint8_t>(count)));
  if (!id) co_return core::fail(Errc::kUnavailable, "too many lookups");
  ++lookups_;
  const Key lookup{host, *id};
  if (auto early = early_.extract(lookup); !early.empty()) co_return std::move(early.mapped());
  early_.clear();
  if (deadline != core::Deadline::max()) {
    actions_.at(deadline, [this, lookup] {
      if (waiting_.contains(lookup)) settle(lookup, core::fail(Errc::kDeadlineExceeded));
    });
  }
  co_return co_await Suspension<Found>::suspend(
      [this, lookup](Suspension<Found> suspension) { waiting_[lookup] = std::move(suspension); },
      [this, lookup] {
        if (waiting_.contains(lookup)) settle(lookup, core::fail(Errc::kCancelled));
      });
}

void SwarmLookups::crash(HostId host) {
  while (true) {
    const auto next = waiting_.lower_bound(Key{host, kademlia::LookupId{}});
    if (next == waiting_.end() || next->first.first != host) return;
    settle(next->first, core::fail(Errc::kUnavailable, "this process crashed"));
  }
}

}  // namespace kadenza::sim
