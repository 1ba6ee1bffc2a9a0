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
#include "distributed/network_view.hpp"
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
    std::optional<std::uint64_t> capacity;  ///< none: the size of the disk that holds `data`
    boost::asio::any_io_executor io;
    boost::asio::any_io_executor blocking;
    const core::Clock* clock = nullptr;  ///< outlives the network
  };

  /// Resolves names, binds the socket and begins. Blocking. The errors say what to do: a name that is not
  /// known, a port in use.
  static core::Result<std::unique_ptr<NodeNetwork>> start(Options options);

  core::Network& view() noexcept { return view_; }
  std::string endpoint() const { return driver_->local().text(); }
  /// Somebody is to be asked: the node is not the first of its network.
  bool expects_others() const noexcept { return expects_others_; }

  /// Until this node has joined, at most `patience`.
  core::Task<void> joined(core::Duration patience);
  std::shared_ptr<distributed::rpc::KademliaDriver> kademlia() const { return driver_; }
  core::Task<void> stop();

 private:
  NodeNetwork(std::shared_ptr<distributed::rpc::KademliaDriver> driver, const core::Clock& clock,
              bool expects_others)
      : driver_(std::move(driver)), clock_(clock), view_(driver_), expects_others_(expects_others) {}

  std::shared_ptr<distributed::rpc::KademliaDriver> driver_;
  const core::Clock& clock_;
  distributed::NetworkView view_;
  bool expects_others_;
};

}  // namespace kadenza::app
