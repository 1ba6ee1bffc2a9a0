// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/member_book.hpp"

#include <algorithm>

#include "distributed/peers/node_methods.hpp"

namespace kadenza::distributed {
namespace {

constexpr auto kAnswerTimeout = std::chrono::seconds(1);

}  // namespace

core::Task<void> MemberBook::ask_all() {
  auto members = directory_.members();
  if (members.size() > kAskedMax) members.resize(kAskedMax);
  for (const auto& member : members) {
    if (member.silent) continue;
    v1::DescribeRequest request;
    const auto reply =
        co_await peers::call(peers_, member.contact, std::move(request), clock_.now() + kAnswerTimeout);
    if (!reply) continue;
    const std::lock_guard lock(mutex_);
    stored_[member.contact.id] = reply->used_bytes();
  }
}

std::vector<core::NetworkMember> MemberBook::members(std::uint64_t self_stored) const {
  const auto live = directory_.members();
  const auto& self = directory_.self().id;
  std::vector<core::NetworkMember> result;
  for (const auto& member : document_.view()->members) {
    core::NetworkMember shown{.id = member.id, .name = member.record.name, .http = member.record.http_urls};
    shown.capacity_bytes = member.record.capacity_bytes;
    shown.self = member.id == self;
    if (shown.self) {
      shown.healthy = true;
      shown.leaving = directory_.is_leaving();
      shown.stored_bytes = self_stored;
    } else {
      const auto seen =
          std::ranges::find(live, member.id, [](const auto& other) { return other.contact.id; });
      shown.healthy = seen != live.end() && !seen->silent;
      shown.leaving = seen != live.end() && seen->leaving;
      shown.round_trip = directory_.round_trip(member.id);
      const std::lock_guard lock(mutex_);
      if (const auto stored = stored_.find(member.id); stored != stored_.end()) {
        shown.stored_bytes = stored->second;
      }
    }
    result.push_back(std::move(shown));
  }
  return result;
}

}  // namespace kadenza::distributed
