// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include "core/timers.hpp"

namespace kadenza::core {

/// Real time, for SystemClock's instants. A wait runs on its coroutine's own executor.
class SystemTimers final : public Timers {
 public:
  Task<void> sleep_until(Instant when) override;
};

}  // namespace kadenza::core
