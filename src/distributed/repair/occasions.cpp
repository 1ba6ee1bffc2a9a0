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

bool Occasions::begin() {
  writes_seen_ = writes_;
  auto now = members();
  const bool changed = now != members_seen_;
  members_seen_ = std::move(now);
  return changed;
}

core::Task<void> Occasions::wait(core::Duration pause) {
  const auto spread = static_cast<std::uint64_t>(pause.count()) / 2 + 1;
  auto until = parts_.clock.now() + pause - pause / 4 +
               core::Duration(static_cast<std::int64_t>(parts_.random.below(spread)));
  const auto after_writes = parts_.clock.now() + parts_.after_writes;
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
