// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/repair/occasions.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace kadenza::distributed::repair {
namespace {

/// How often the members are looked at while nothing is to be done.
constexpr auto kLook = std::chrono::seconds(1);

}  // namespace

std::vector<kademlia::Contact> Occasions::begin() {
  writes_seen_ = writes_;
  auto now = members();
  members_changed_ = now != members_seen_;
  members_seen_ = std::move(now);
  auto all = parts_.directory.members();
  for (std::size_t i = all.size(); i > 1; --i) std::swap(all[i - 1], all[parts_.random.below(i)]);
  std::vector<kademlia::Contact> others;
  for (const auto& other : all) {
    if (!other.silent && other.contact.capacity_class != 0) others.push_back(other.contact);
  }
  return others;
}

core::Task<void> Occasions::wait(bool more) {
  const auto& schedule = parts_.schedule;
  const auto longest = std::min(schedule.interval, schedule.promise / 4);
  pause_ = members_changed_ || more ? schedule.soon : std::min(2 * pause_, longest);
  const auto spread = static_cast<std::uint64_t>(pause_.count()) / 2 + 1;
  auto until = parts_.clock.now() + pause_ - pause_ / 4 +
               core::Duration(static_cast<std::int64_t>(parts_.random.below(spread)));
  const auto after_writes = parts_.clock.now() + schedule.after_writes;
  while (parts_.clock.now() < until) {
    if (members() != members_seen_) co_return;
    if (writes_ != writes_seen_) until = std::min(until, after_writes);
    co_await parts_.timers.sleep_until(std::min(until, parts_.clock.now() + kLook));
  }
}

std::vector<Occasions::Member> Occasions::members() const {
  std::vector<Member> members;
  const auto& self = parts_.directory.self();
  members.push_back({self.id, self.capacity_class, false, parts_.directory.is_leaving()});
  for (const auto& other : parts_.directory.members()) {
    members.push_back({other.contact.id, other.contact.capacity_class, other.silent, other.leaving});
  }
  std::ranges::sort(members);
  return members;
}

}  // namespace kadenza::distributed::repair
