// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <chrono>
#include <cstdint>

namespace kadenza::core {

/// Monotonic time. It has no now() on purpose: pure code is given the time, only a Clock knows it.
struct MonotonicTime {
  using rep = std::int64_t;
  using period = std::nano;
  using duration = std::chrono::nanoseconds;
  using time_point = std::chrono::time_point<MonotonicTime>;
  static constexpr bool is_steady = true;
};
using Instant = MonotonicTime::time_point;
using Duration = MonotonicTime::duration;

/// The moment by which a call must have answered. Instant::max() = never.
using Deadline = Instant;

/// Calendar time in milliseconds since 1970 (UTC): for people and records, never for time-outs.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

/// Where time comes from: the machine's clocks in production, virtual time in the simulator. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant now() const noexcept = 0;
  virtual WallTime wall_now() const noexcept = 0;
};

/// The machine's own clocks.
class SystemClock final : public Clock {
 public:
  Instant now() const noexcept override;
  WallTime wall_now() const noexcept override;
};

}  // namespace kadenza::core
