// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <functional>

#include "core/clock.hpp"
#include "core/task.hpp"
#include "sim/library_world.hpp"
#include "sim/random.hpp"

namespace kadenza::sim {

/// What goes wrong in a cluster, and what its owners do: as often as the options say, at moments and to hosts
/// that the seed chooses. Lives as long as the world runs.
class LibraryFaults {
 public:
  explicit LibraryFaults(LibraryWorld& world);

  /// Until then. What has begun may last longer: see end().
  void begin(core::Instant until);
  /// Everything works again, and everybody is back with the right time.
  void end();

 private:
  void now_and_then(double per_minute, std::function<core::Task<void>()> fault);
  core::Task<void> repeat(double per_minute, std::function<core::Task<void>()> fault);
  core::Task<void> wait_for_a_commit(const LibraryHost& host);
  core::Task<void> crash();
  core::Task<void> lose_disk();
  core::Task<void> rot();
  core::Task<void> stall();
  core::Task<void> partition();
  core::Task<void> slow_down();
  core::Task<void> depart();
  core::Task<void> join_late(std::size_t host);
  core::Task<void> rest(std::int64_t seconds_min, std::int64_t seconds_max);
  LibraryHost* some_host();
  void come_back(LibraryHost& host);

  LibraryWorld& world_;
  Random random_;
  core::Instant until_{};
  core::Instant last_lost_disk_{};
  bool over_ = false;
};

}  // namespace kadenza::sim
