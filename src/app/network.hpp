// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/task.hpp"
#include "distributed/rpc/kademlia_driver.hpp"
#include "interface/serve_options.hpp"

namespace kadenza::app {

/// A node's place among the others: its Kademlia, behind a socket. Owned by Node.
class NodeNetwork {
 public:
  struct Options {
    interface::NetworkOptions network;
    core::NodeId id;
    distributed::identity::KeyRing keys;
    std::vector<distributed::kademlia::Contact> seeds;  ///< members known before any was met
    std::filesystem::path data;
    std::uint64_t capacity = 0;  ///< bytes that its owner gives for storing
    boost::asio::any_io_executor io;
    boost::asio::any_io_executor blocking;
    const core::Clock* clock = nullptr;  ///< outlives the network
  };

  /// Resolves names, binds the socket and begins. Blocking. The errors say what to do: a name that is not
  /// known, a port in use.
  static core::Result<std::unique_ptr<NodeNetwork>> start(Options options);

  std::string endpoint() const { return driver_->local().text(); }
  /// Somebody is to be asked: the node is not the first of its network.
  bool expects_others() const noexcept { return expects_others_; }

  /// Until this node has joined, at most `patience`.
  core::Task<void> joined(core::Duration patience);
  std::shared_ptr<distributed::rpc::KademliaDriver> kademlia() const { return driver_; }
  /// This node as others reach it. On all addresses and without --advertise only they know where that is: the
  /// endpoint is not usable then.
  const distributed::kademlia::Contact& self() const noexcept { return self_; }
  core::Task<void> stop();

 private:
  NodeNetwork(std::shared_ptr<distributed::rpc::KademliaDriver> driver, const core::Clock& clock,
              const distributed::kademlia::Contact& self, bool expects_others)
      : driver_(std::move(driver)), clock_(clock), self_(self), expects_others_(expects_others) {}

  std::shared_ptr<distributed::rpc::KademliaDriver> driver_;
  const core::Clock& clock_;
  distributed::kademlia::Contact self_;
  bool expects_others_;
};

}  // namespace kadenza::app
