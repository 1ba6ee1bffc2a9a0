// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include "distributed/peers/peers.hpp"
#include "distributed/placement/directory.hpp"

namespace kadenza::distributed::placement {

/// Calls whose outcome the directory hears of: a node that answers lives, one that cannot be reached is
/// silent. Thread-safe.
class ObservedPeers final : public peers::Peers {
 public:
  /// All of them outlive this object's calls.
  ObservedPeers(peers::Peers& calls, Directory& directory) : calls_(calls), directory_(directory) {}

  core::Task<core::Result<std::string>> call(kademlia::Contact to, std::string_view path, std::string request,
                                             core::Deadline deadline) override;

 private:
  peers::Peers& calls_;
  Directory& directory_;
};

}  // namespace kadenza::distributed::placement
