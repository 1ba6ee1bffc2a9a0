// SPDX-License-Identifier: AGPL-3.0-or-later
#include "sim/probes.hpp"

#include <algorithm>
#include <bit>

namespace kadenza::sim {

namespace {

constexpr std::uint8_t kNearest = 20;

}  // namespace

Probes::Probes(Engine& engine, Actions& actions, KademliaSwarm& swarm, Population& population)
    : engine_(engine),
      actions_(actions),
      swarm_(swarm),
      population_(population),
      random_(engine.random().fork()) {
  swarm_.on_finished = [this](HostId host, const kademlia::LookupResult& result) { finished(host, result); };
}

void Probes::begin(double per_second, core::Duration lasting) {
  const auto count = static_cast<std::int64_t>(per_second * std::chrono::duration<double>(lasting).count());
  for (std::int64_t i = 0; i < count; ++i) actions_.after(lasting * i / count, [this] { start_one(); });
}

void Probes::start_one() {
  const HostId host = population_.any_running();
  if (!swarm_.node(host).joined()) return;
  const auto goal =
      ++started_ % 2 == 0 ? kademlia::LookupGoal::read(kNearest) : kademlia::LookupGoal::nearest(kNearest);
  const kademlia::Key target = kademlia::random_key(random_);
  // A node alone in the world finishes inside look_up(), before its id is known here: nothing to judge.
  if (const auto id = swarm_.look_up(host, target, goal)) {
    pending_[{host, *id}] = {target, goal, engine_.now(), swarm_.joined_at(host)};
  }
}

void Probes::finished(HostId host, const kademlia::LookupResult& result) {
  const auto found = pending_.find({host, result.id});
  if (found == pending_.end()) return;
  const Pending asked = found->second;
  pending_.erase(found);
  auto truth = swarm_.truly_nearest(asked.target, kNearest + 1u, asked.started);
  std::erase(truth, swarm_.contact(host).id);  // a result does not contain the asking node
  truth.resize(std::min<std::size_t>(truth.size(), kNearest));
  LookupRecord record{.kind = asked.goal.kind,
                      .host = host,
                      .took = engine_.now() - asked.started,
                      .sent = result.sent,
                      .hops = result.hops,
                      .wanted = static_cast<std::uint16_t>(truth.size())};
  record.silent =
      static_cast<std::uint16_t>(static_cast<int>(result.contacts.size()) - std::popcount(result.answered));
  for (const auto& contact : result.contacts) {
    const auto at = std::find(truth.begin(), truth.end(), contact.id);
    record.found += at != truth.end();
    record.found_first +=
        at < truth.begin() + std::min<std::ptrdiff_t>(LookupRecord::kFirst, std::ssize(truth));
  }
  records_.push_back(record);
}

std::size_t Probes::pending_longer_than(core::Duration age) const {
  return static_cast<std::size_t>(std::count_if(pending_.begin(), pending_.end(), [&](const auto& entry) {
    const auto& [key, asked] = entry;
    return engine_.now() - asked.started > age && swarm_.running(key.first) &&
           swarm_.joined_at(key.first) == asked.process_joined;
  }));
}

}  // namespace kadenza::sim
