// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "core/clock.hpp"
#include "core/ids.hpp"
#include "core/random.hpp"
#include "core/task.hpp"
#include "core/timers.hpp"
#include "distributed/placement/directory.hpp"

namespace kadenza::distributed::repair {

/// When a node compares what it holds with others: on a schedule, when the members are others than before,
/// and some time after something was written here. note_write() on any thread, all else on one coroutine.
class Occasions {
 public:
  /// All outlive it.
  struct Parts {
    placement::Directory& directory;
    const core::Clock& clock;
    core::Timers& timers;
    core::Random& random;
    core::Duration after_writes;  ///< until what was written here has had its time to reach the others
  };
  explicit Occasions(Parts parts) : parts_(parts) {}

  void note_write() noexcept { ++writes_; }

  /// A round begins. True when the members are others than when the last one did.
  bool begin();
  /// Until `pause`, give or take a quarter, is over, or there is a reason to begin earlier.
  core::Task<void> wait(core::Duration pause);

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
  std::vector<Member> members_seen_;
};

}  // namespace kadenza::distributed::repair
