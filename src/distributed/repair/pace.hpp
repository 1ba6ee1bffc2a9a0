// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "core/clock.hpp"
#include "core/task.hpp"
#include "core/timers.hpp"
#include "distributed/peers/peers.hpp"

namespace kadenza::distributed::repair {

/// How fast work in the background may go: what was moved must have had its time before more is begun. While
/// others are served it goes at a quarter of its rate. Thread-safe.
class Pace {
 public:
  /// `busy` says whether others are served now; all outlive it.
  Pace(const core::Clock& clock, core::Timers& timers, std::uint64_t bytes_per_second,
       std::function<bool()> busy);

  /// Until the next step may begin.
  core::Task<void> turn();
  /// A step has moved so much.
  void spent(std::uint64_t bytes);

  std::uint64_t bytes_per_second() const noexcept { return rate_; }

 private:
  const core::Clock& clock_;
  core::Timers& timers_;
  const std::uint64_t rate_;
  const std::function<bool()> busy_;
  std::mutex mutex_;  // guards the one below
  core::Instant next_{};
};

/// Calls that keep to a pace, by the bytes of their answers. Each of them waits its turn before its own time
/// begins, so that a slow pace is nobody's fault. Thread-safe.
class PacedPeers final : public peers::Peers {
 public:
  /// All of them outlive this object's calls.
  PacedPeers(peers::Peers& calls, Pace& pace, const core::Clock& clock)
      : calls_(calls), pace_(pace), clock_(clock) {}

  core::Task<core::Result<std::string>> call(kademlia::Contact to, std::string_view path, std::string request,
                                             core::Deadline deadline) override;

 private:
  peers::Peers& calls_;
  Pace& pace_;
  const core::Clock& clock_;
};

}  // namespace kadenza::distributed::repair
