// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/enrolment/document_membership.hpp"

#include <utility>

#include "core/blocking.hpp"

namespace kadenza::distributed::enrolment {

using core::Result;
using core::Task;

std::vector<Member> DocumentMembership::members() const {
  const auto view = document_.view();
  std::vector<Member> members;
  members.reserve(view->members.size());
  for (const cluster::Member& listed : view->members) {
    Member member{listed.id, listed.record.name, listed.record.since, std::nullopt};
    // Whoever lists as his authority what is none is no issuer.
    auto authority = identity::Certificate::from_der(listed.authority);
    if (authority && authority->is_authority()) member.authority = std::move(*authority);
    members.push_back(std::move(member));
  }
  return members;
}

Task<Result<void>> DocumentMembership::write(cluster::ClusterDocument::Write write) {
  auto work = [this, write = std::move(write)] { return document_.write(write); };
  auto written = co_await core::run_on(blocking_, std::move(work));
  if (written) co_await spread_();
  co_return written;
}

Task<Result<void>> DocumentMembership::add(Member member) {
  cluster::MemberRecord record;
  record.name = std::move(member.name);
  record.since = member.since;
  co_return co_await write(cluster::put_member(member.id, std::move(record)));
}

Task<Result<void>> DocumentMembership::set_authority(core::NodeId id, identity::Certificate authority) {
  co_return co_await write(cluster::put_authority(id, authority.der()));
}

Task<Result<void>> DocumentMembership::remove(core::NodeId id) {
  co_return co_await write(cluster::remove_member(id));
}

}  // namespace kadenza::distributed::enrolment
