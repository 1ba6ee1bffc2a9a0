// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <vector>

#include "core/clock.hpp"
#include "core/ids.hpp"
#include "core/random.hpp"
#include "core/task.hpp"
#include "core/timers.hpp"
#include "distributed/kademlia/contact.hpp"
#include "distributed/placement/directory.hpp"

namespace kadenza::distributed::repair {

struct Schedule {
  core::Duration interval = std::chrono::seconds(60);  ///< between comparisons, give or take a quarter
  core::Duration soon = std::chrono::seconds(2);  ///< the first pause after a change; each next one doubles
  core::Duration after_writes = std::chrono::seconds(10);  ///< until what was written here is compared
  core::Duration promise = std::chrono::hours(1);  ///< to keep what another node dropped; renewed in time
};

/// When a node compares what it holds with others, and with whom: on a schedule, when the members are others
/// than before, and some time after something was written here. note_write() on any thread, all else on one
/// coroutine.
class Occasions {
 public:
  /// All outlive it.
  struct Parts {
    placement::Directory& directory;
    const core::Clock& clock;
    core::Timers& timers;
    core::Random& random;
    Schedule schedule;
  };
  explicit Occasions(Parts parts) : parts_(parts), pause_(parts_.schedule.soon) {}

  void note_write() noexcept { ++writes_; }

  /// A round begins, with these others, in any order: also those that leave, although they share nothing, so
  /// that they hear that this node stays.
  std::vector<kademlia::Contact> begin();
  /// A round has ended. The pause before the next one is short when there is `more` to do or the members
  /// were others in this one, and otherwise twice as long as the last; it ends early when there is a reason.
  core::Task<void> wait(bool more);
  /// As wait(true), without waiting.
  void go_on() noexcept { pause_ = parts_.schedule.soon; }

 private:
  struct Member {
    core::NodeId id;
    std::uint8_t capacity_class = 0;
    bool silent = false;
    bool leaving = false;
    friend auto operator<=>(const Member&, const Member&) = default;
  };
  std::vector<Member> members() const;

  const Parts parts_;
  std::atomic<std::uint64_t> writes_{0};
  std::uint64_t writes_seen_ = 0;
  core::Duration pause_;
  bool members_changed_ = false;
  std::vector<Member> members_seen_;
};

}  // namespace kadenza::distributed::repair
