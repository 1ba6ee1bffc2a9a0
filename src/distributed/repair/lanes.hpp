// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <functional>

#include "core/task.hpp"

namespace kadenza::distributed::repair {

/// Runs `step` in four coroutines at once, each until it says that nothing is left.
core::Task<void> in_lanes(const std::function<core::Task<bool>()>& step);

}  // namespace kadenza::distributed::repair
