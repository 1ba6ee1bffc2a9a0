// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "core/task.hpp"
#include "middleware/failover.hpp"

namespace kadenza::middleware {

/// What a node said of its network.
struct Lesson {
  std::size_t origin;           ///< index of the given node through which the one that spoke was met
  std::vector<Endpoint> nodes;  ///< where its nodes answer; empty: it is alone
};

/// Asks a node which others there are (/api/v1/network) and takes them over into the book. `authorization`:
/// instead of the person's own log-ins. None when no node tells.
core::Task<std::optional<Lesson>> learn_nodes(Failover& nodes, std::optional<std::string> authorization = {});

/// Asks all nodes at the same time whether they are well, and notes in the book how quickly each answers.
core::Task<void> probe_nodes(Failover& nodes, std::chrono::milliseconds limit);

}  // namespace kadenza::middleware
