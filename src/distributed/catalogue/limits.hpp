// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <chrono>
#include <cstddef>

#include "core/clock.hpp"

namespace kadenza::distributed::catalogue {

/// So that rows whose texts are all as long as core allows still fit into a message (peers.hpp).
inline constexpr std::size_t kRowsPerMessage = 100;
inline constexpr std::size_t kVersionsPerPage = 5000;
/// Calls of one node that wait for changes at the same time: one, and those that it gave up.
inline constexpr std::size_t kWaitingPerPeer = 4;
inline constexpr core::Duration kWaitMax = std::chrono::seconds(20);
/// A row from the future would lose against every other and come last for ever: a clock may be wrong by this.
inline constexpr core::Duration kClockSkewMax = std::chrono::seconds(60);

}  // namespace kadenza::distributed::catalogue
