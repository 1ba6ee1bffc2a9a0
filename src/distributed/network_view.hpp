// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <memory>

#include "core/network.hpp"
#include "distributed/rpc/kademlia_driver.hpp"

namespace kadenza::distributed {

/// The network as this node's Kademlia sees it, in the words of core. Owned by the composition root; may be
/// called from any thread, also while the driver stops.
class NetworkView final : public core::Network {
 public:
  explicit NetworkView(std::shared_ptr<rpc::KademliaDriver> driver) : driver_(std::move(driver)) {}

  core::Task<core::Result<core::NetworkSnapshot>> snapshot(core::Deadline deadline) override;
  core::Task<core::Result<core::LookupTrace>> lookup(core::NodeId key, core::Deadline deadline) override;

 private:
  std::shared_ptr<rpc::KademliaDriver> driver_;
};

/// Pure parts of the above.
core::NetworkSnapshot in_words_of_core(const rpc::NetworkSnapshot& seen);
core::LookupTrace in_words_of_core(const kademlia::LookupResult& found, const core::NodeId& self);

}  // namespace kadenza::distributed
