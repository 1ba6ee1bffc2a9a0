// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/task.hpp"
#include "distributed/enrolment/membership.hpp"
#include "distributed/identity/cluster_keys.hpp"
#include "distributed/peers/handlers.hpp"
#include "distributed/peers/peers.hpp"

namespace kadenza::distributed::enrolment {

/// The cluster's secrets on this node, and how new ones reach all members: a change is offered to everybody
/// who can be reached, and whoever was away compares its keys with any member when it is back. Thread-safe;
/// owned by the composition root, which lets running calls end before it destroys this.
class KeyKeeper {
 public:
  struct Options {
    core::NodeId self;
    identity::ClusterKeys keys;
    std::filesystem::path file;
    boost::asio::any_io_executor blocking;  ///< where the file is written
    peers::Peers* peers = nullptr;
    const Membership* membership = nullptr;
    FindContact find_contact;
    const core::Clock* clock = nullptr;
    /// Told of every change, in order, on `blocking`.
    std::function<void(const identity::ClusterKeys&)> changed;
  };
  explicit KeyKeeper(Options options);
  KeyKeeper(const KeyKeeper&) = delete;
  KeyKeeper& operator=(const KeyKeeper&) = delete;

  core::Task<identity::ClusterKeys> current();

  /// Replaces the cluster key and the account key everywhere. Returns the members that could not be told at
  /// once. Takes a few round trips; two seconds more for each step when members are away.
  core::Task<core::Result<std::vector<core::NodeId>>> rotate();

  /// Carries a rotation to its end that whoever began it left unfinished. To be called from time to time by
  /// issuers.
  core::Task<core::Result<void>> finish_rotation();

  /// Compares keys with one other member, of which both take the newer. Needs no datagrams, so it works for a
  /// node that has missed a whole rotation.
  core::Task<core::Result<void>> exchange(kademlia::Contact with);

  /// Offers ExchangeKeys to other members.
  void serve(peers::Handlers& handlers);

 private:
  core::Task<core::Result<identity::ClusterKeys>> take_if_newer(identity::ClusterKeys offered);
  core::Task<core::Result<identity::ClusterKeys>> begin();
  core::Task<core::Result<void>> advance_from(identity::ClusterKeys known);
  core::Task<core::Result<void>> offer(identity::ClusterKeys keys, kademlia::Contact with,
                                       core::Deadline deadline);
  core::Task<core::Result<void>> tell(core::NodeId member, identity::ClusterKeys keys);
  core::Task<std::vector<core::NodeId>> tell_all(identity::ClusterKeys keys);
  core::Task<core::Result<std::vector<core::NodeId>>> carry_through();
  core::Result<void> set(identity::ClusterKeys keys);

  Options options_;
  boost::asio::any_io_executor owner_;  ///< a strand of `blocking`, on which `keys_` and the file change
  identity::ClusterKeys keys_;
  core::Instant changed_at_{};
};

}  // namespace kadenza::distributed::enrolment
