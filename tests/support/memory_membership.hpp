// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <algorithm>
#include <mutex>
#include <set>

#include "distributed/enrolment/membership.hpp"

namespace kadenza::testing {

/// A membership in memory; several nodes of a test share one, as if the document travelled at once.
class MemoryMembership final : public distributed::enrolment::Membership {
 public:
  using Member = distributed::enrolment::Member;

  std::vector<Member> members() const override {
    const std::lock_guard lock(mutex_);
    return members_;
  }
  bool is_removed(const core::NodeId& id) const override {
    const std::lock_guard lock(mutex_);
    return removed_.contains(id);
  }
  core::Task<core::Result<void>> add(Member member) override {
    const std::lock_guard lock(mutex_);
    members_.push_back(std::move(member));
    co_return core::Result<void>();
  }
  core::Task<core::Result<void>> set_authority(core::NodeId id,
                                               distributed::identity::Certificate authority) override {
    const std::lock_guard lock(mutex_);
    for (Member& member : members_) {
      if (member.id == id) member.authority = authority;
    }
    co_return core::Result<void>();
  }
  core::Task<core::Result<void>> remove(core::NodeId id) override {
    const std::lock_guard lock(mutex_);
    std::erase_if(members_, [&](const Member& member) { return member.id == id; });
    removed_.insert(id);
    co_return core::Result<void>();
  }
  std::string document() const override { return "a document"; }

 private:
  mutable std::mutex mutex_;
  std::vector<Member> members_;
  std::set<core::NodeId> removed_;
};

}  // namespace kadenza::testing
