// SPDX-License-Identifier: AGPL-3.0-or-later
#include "core/clock.hpp"

namespace kadenza::core {

Instant SystemClock::now() const noexcept {
  return Instant(std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

WallTime SystemClock::wall_now() const noexcept {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

}  // namespace kadenza::core
