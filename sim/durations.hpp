// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <ratio>

#include "core/clock.hpp"

namespace kadenza::sim {

inline core::Duration duration_of(double seconds) {
  return core::Duration(static_cast<std::int64_t>(seconds * 1e9));
}
inline double in_seconds(core::Duration duration) {
  return std::chrono::duration<double>(duration).count();
}
inline double in_milliseconds(core::Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

}  // namespace kadenza::sim
