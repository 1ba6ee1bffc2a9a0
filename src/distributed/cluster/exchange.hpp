// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "core/clock.hpp"
#include "core/random.hpp"
#include "core/task.hpp"
#include "core/timers.hpp"
#include "distributed/cluster/document.hpp"
#include "distributed/kademlia/contact.hpp"
#include "distributed/peers/handlers.hpp"
#include "distributed/peers/peers.hpp"

namespace kadenza::distributed::cluster {

/// Keeps the members' documents equal: what is written here goes to all of them at once, and every few
/// seconds this node compares digests with a random one (anti-entropy; Demers et al. 1987), which brings what
/// got lost. Coroutines may run on any thread; run() is one.
class ClusterExchange {
 public:
  struct Parts {
    ClusterDocument& document;
    peers::Peers& peers;
    const core::Clock& clock;
    core::Timers& timers;
    core::Random& random;  ///< used by run() only
    boost::asio::any_io_executor blocking;
    /// The members that can be reached, without this one. Thread-safe.
    std::function<std::vector<kademlia::Contact>()> contacts;
    core::Duration period = std::chrono::seconds(5);    ///< between comparisons, ± a fifth
    core::Duration patience = std::chrono::seconds(2);  ///< for an answer
    core::Duration push_patience =
        std::chrono::milliseconds(500);  ///< how long a write waits for the slowest
  };

  /// What it is made of must outlive it and its coroutines.
  explicit ClusterExchange(Parts parts) : parts_(std::move(parts)) {}

  /// Offers the method Exchange; to all but removed nodes.
  void serve(peers::Handlers& handlers);

  /// Compares for ever; ends when it is cancelled.
  core::Task<void> run();

  /// Sends what was written here to all members, and waits until each has answered or `push_patience` is
  /// over: then whoever can be reached knows it.
  core::Task<void> spread();

  /// Compares with one member, both ways. kUnavailable and whatever else the call may answer.
  core::Task<core::Result<void>> compare_with(kademlia::Contact member);

 private:
  core::Task<void> push(kademlia::Contact member, std::shared_ptr<const std::string> delta);
  core::Task<core::Result<void>> take(std::string state);

  const Parts parts_;
};

}  // namespace kadenza::distributed::cluster
