// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/kademlia_routing.hpp"

namespace kadenza::distributed {

core::Task<core::Result<std::vector<kademlia::Contact>>> KademliaRouting::nearest(kademlia::Key key,
                                                                                  std::size_t count,
                                                                                  core::Deadline deadline) {
  const auto goal = kademlia::LookupGoal::nearest(static_cast<std::uint8_t>(count));
  const auto found = co_await driver_->lookup(key, goal, deadline);
  if (!found) co_return std::unexpected(found.error());
  co_return std::vector<kademlia::Contact>(found->contacts.begin(), found->contacts.end());
}

}  // namespace kadenza::distributed
