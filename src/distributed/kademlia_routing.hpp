// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <memory>
#include <utility>

#include "distributed/placement/routing.hpp"
#include "distributed/rpc/kademlia_driver.hpp"

namespace kadenza::distributed {

/// Finds nodes by this node's own Kademlia. Thread-safe.
class KademliaRouting final : public placement::Routing {
 public:
  explicit KademliaRouting(std::shared_ptr<rpc::KademliaDriver> driver) : driver_(std::move(driver)) {}

  core::Task<core::Result<std::vector<placement::Found>>> nearest(kademlia::Key key, std::size_t count,
                                                                  core::Deadline deadline) override;

 private:
  const std::shared_ptr<rpc::KademliaDriver> driver_;
};

}  // namespace kadenza::distributed
