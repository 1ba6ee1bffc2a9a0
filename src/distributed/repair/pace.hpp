// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
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
/// others are served, time passes at a quarter of its speed here. Thread-safe; one lock.
class Pace {
  struct Line;

 public:
  /// One step of the work, and when it may begin. What it moves is known when it ends; until then it has as
  /// much time as steps took lately, so that those who come together do not all begin together.
  /// May outlive its pace: the coroutine of a call that was cancelled may end later.
  class Turn {
   public:
    Turn(std::shared_ptr<Line> line, core::Instant now);
    Turn(Turn&& other) noexcept = default;
    Turn& operator=(Turn&&) = delete;
    ~Turn();

    /// The step has moved so much; without this it has moved nothing. Once at most.
    void spent(std::uint64_t bytes);

   private:
    friend class Pace;
    std::shared_ptr<Line> line_;  ///< none once settled
    core::Instant begins_;
    core::Duration reserved_;
  };

  /// `served` says for how long others have been served, all in all; it never decreases. All outlive it.
  Pace(const core::Clock& clock, core::Timers& timers, std::uint64_t bytes_per_second,
       std::function<core::Duration()> served);

  /// Waits until the next step may begin: first come, first served.
  core::Task<Turn> turn();

  std::uint64_t bytes_per_second() const noexcept { return line_->rate; }

 private:
  /// Those who wait, and those whose turn it is.
  struct Line {
    explicit Line(std::uint64_t bytes_per_second);
    core::Duration time_for(std::uint64_t bytes) const;
    void settle(core::Duration reserved, core::Duration taken);

    const std::uint64_t rate;
    std::mutex mutex;         // guards all below
    core::Instant next{};     ///< by now(), as all instants here
    core::Duration expected;  ///< what the next step may take
  };
  core::Instant now() const;

  const core::Clock& clock_;
  core::Timers& timers_;
  const std::function<core::Duration()> served_;
  const std::shared_ptr<Line> line_;
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
