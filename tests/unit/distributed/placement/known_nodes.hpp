// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <vector>

#include "distributed/placement/routing.hpp"

namespace kadenza::distributed::placement {

/// Every lookup finds these nodes, each as near as it says.
class KnownNodes final : public Routing {
 public:
  core::Task<core::Result<std::vector<Found>>> nearest(kademlia::Key, std::size_t, core::Deadline) override {
    co_return nodes;
  }
  std::vector<Found> nodes;
};

}  // namespace kadenza::distributed::placement
