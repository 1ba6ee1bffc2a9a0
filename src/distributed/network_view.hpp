// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "core/network.hpp"
#include "distributed/rpc/kademlia_driver.hpp"
#include "distributed/rpc/refusals.hpp"

namespace kadenza::distributed {

/// The network as this node's Kademlia sees it, in the words of core. Owned by the composition root; may be
/// called from any thread, also while the driver stops.
class NetworkView final : public core::Network {
 public:
  /// What the layers above Kademlia add to the view: who the members are, and who has a song.
  struct Above {
    std::function<std::vector<core::NetworkMember>()> members;
    std::function<core::Task<core::Result<std::vector<core::SongHolder>>>(core::SongId, core::Deadline)>
        holders;
    std::function<rpc::RefusalCounters::Snapshot()> refusals;
    std::function<core::RepairState()> repair;
    core::NetworkSettings settings;
  };
  NetworkView(std::shared_ptr<rpc::KademliaDriver> driver, Above above)
      : driver_(std::move(driver)), above_(std::move(above)) {}

  core::Task<core::Result<core::NetworkSnapshot>> snapshot(core::Deadline deadline) override;
  core::Task<core::Result<core::LookupTrace>> lookup(core::NodeId key, core::Deadline deadline) override;
  core::Task<core::Result<std::vector<core::SongHolder>>> holders(core::SongId id,
                                                                  core::Deadline deadline) override {
    return above_.holders(id, deadline);
  }

 private:
  std::shared_ptr<rpc::KademliaDriver> driver_;
  Above above_;
};

/// Pure parts of the above.
core::NetworkSnapshot in_words_of_core(const rpc::NetworkSnapshot& seen);
core::LookupTrace in_words_of_core(const kademlia::LookupResult& found, const core::NodeId& self);
std::vector<std::pair<std::string, std::uint64_t>> in_words_of_core(
    const rpc::RefusalCounters::Snapshot& refusals);

}  // namespace kadenza::distributed
