// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <map>
#include <mutex>

#include "core/clock.hpp"
#include "core/ids.hpp"
#include "core/task.hpp"
#include "core/timers.hpp"
#include "distributed/repair/fetcher.hpp"
#include "distributed/repair/repair_book.hpp"

namespace kadenza::distributed::repair {

/// Copies again what the disk lost, until it is whole or gone. note() may be called from any thread; run() is
/// one coroutine.
class Mender {
 public:
  /// More lost songs than this are found again later.
  static constexpr std::size_t kPendingMax = 10'000;

  Mender(Fetcher& fetcher, RepairBook& book, const core::Clock& clock, core::Timers& timers)
      : fetcher_(fetcher), book_(book), clock_(clock), timers_(timers) {}

  void note(const core::SongId& id);
  core::Task<void> run();

 private:
  struct Attempt {
    core::Instant at;
    core::Duration pause{};
  };
  std::optional<core::SongId> due();
  core::Task<void> mend(core::SongId id);

  Fetcher& fetcher_;
  RepairBook& book_;
  const core::Clock& clock_;
  core::Timers& timers_;
  std::mutex mutex_;  // guards the one below
  std::map<core::SongId, Attempt> pending_;
};

}  // namespace kadenza::distributed::repair
