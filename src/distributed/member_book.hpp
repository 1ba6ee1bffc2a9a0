// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "core/clock.hpp"
#include "core/ids.hpp"
#include "core/network.hpp"
#include "core/task.hpp"
#include "distributed/cluster/document.hpp"
#include "distributed/peers/peers.hpp"
#include "distributed/placement/directory.hpp"

namespace kadenza::distributed {

/// The members of the cluster as people want to see them: the document's names and addresses, with what each
/// one said of itself lately. Thread-safe; one lock, never held across a suspension.
class MemberBook {
 public:
  /// In a larger cluster only so many are asked at a time.
  static constexpr std::size_t kAskedMax = 64;

  MemberBook(const cluster::ClusterDocument& document, placement::Directory& directory, peers::Peers& peers,
             const core::Clock& clock)
      : document_(document), directory_(directory), peers_(peers), clock_(clock) {}

  /// Asks the members that can be reached how they are.
  core::Task<void> ask_all();

  /// `self_stored`: bytes that this node stores.
  std::vector<core::NetworkMember> members(std::uint64_t self_stored) const;

 private:
  const cluster::ClusterDocument& document_;
  placement::Directory& directory_;
  peers::Peers& peers_;
  const core::Clock& clock_;
  mutable std::mutex mutex_;  // guards the one below
  std::unordered_map<core::NodeId, std::uint64_t> stored_;
};

}  // namespace kadenza::distributed
