// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include "core/clock.hpp"
#include "core/task.hpp"

namespace kadenza::core {

/// Waiting, for coroutines: real time in production, virtual time in the simulator. Thread-safe; a wait ends
/// early, with boost::system::system_error(operation_aborted), when its coroutine is cancelled.
class Timers {
 public:
  virtual ~Timers() = default;
  virtual Task<void> sleep_until(Instant when) = 0;
};

}  // namespace kadenza::core
