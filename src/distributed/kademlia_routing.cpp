// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/kademlia_routing.hpp"

namespace kadenza::distributed {

core::Task<core::Result<std::vector<placement::Found>>> KademliaRouting::nearest(kademlia::Key key,
                                                                                 std::size_t count,
                                                                                 core::Deadline deadline) {
  const auto goal = kademlia::LookupGoal::nearest(static_cast<std::uint8_t>(count));
  const auto result = co_await driver_->lookup(key, goal, deadline);
  if (!result) co_return std::unexpected(result.error());
  co_return placement::found(*result);
}

}  // namespace kadenza::distributed
