// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/ids.hpp"
#include "core/random.hpp"
#include "core/task.hpp"
#include "core/timers.hpp"
#include "distributed/catalogue/change_signal.hpp"
#include "distributed/catalogue/reconciler.hpp"
#include "distributed/catalogue/row_intake.hpp"
#include "distributed/catalogue/row_messages.hpp"
#include "distributed/peers/peers.hpp"
#include "distributed/placement/directory.hpp"

namespace kadenza::distributed::catalogue {

/// Keeps this node's catalogue equal to that of the network: each shard is followed from the first live
/// candidate of its order other than this node. Per followed node there is one call that waits for changes,
/// and a comparison of digests at the beginning and every now and then. On one strand.
class Follower {
 public:
  struct Options {
    core::Duration review;   ///< how often the orders are looked at
    core::Duration compare;  ///< between two comparisons with a followed node
    core::Duration wait;     ///< how long a call waits for changes
    core::Duration pause;    ///< after a call that failed
  };
  struct Parts {
    boost::asio::any_io_executor strand;
    RowIntake& intake;
    Reconciler& reconciler;
    peers::Peers& peers;
    placement::Directory& directory;
    const core::Clock& clock;
    core::Timers& timers;
    core::Random& random;
    Options options;
  };
  explicit Follower(Parts parts);

  /// Begins; `owner` keeps this object alive until everything has ended.
  void start(std::shared_ptr<const void> owner);
  /// Resumes when everything has ended.
  core::Task<void> stop();

  /// How many nodes are followed.
  std::size_t followed() const noexcept { return sessions_.size(); }

 private:
  /// A followed node. `run` tells the coroutine that follows it from earlier ones.
  struct Session {
    kademlia::Contact contact;
    ShardSet shards;
    ShardSet compared;
    core::Instant compare_at{};
    std::string database;
    std::uint64_t last = 0;
    std::uint64_t run = 0;
    std::shared_ptr<boost::asio::cancellation_signal> signal;
  };
  struct Wanted {
    kademlia::Contact contact;
    ShardSet shards;
  };

  core::Task<void> run();
  core::Task<std::map<core::NodeId, Wanted>> wanted();
  void apply(const std::map<core::NodeId, Wanted>& wanted);
  void restart(const std::shared_ptr<Session>& session);
  core::Task<void> follow(std::shared_ptr<Session> session, std::uint64_t run);
  core::Task<core::Result<void>> follow_once(std::shared_ptr<Session> session, std::uint64_t run);
  core::Task<core::Result<void>> compare(std::shared_ptr<Session> session, std::uint64_t run);
  core::Duration until_next_comparison();
  std::shared_ptr<boost::asio::cancellation_signal> spawn(std::function<core::Task<void>()> body);

  const Parts parts_;
  std::shared_ptr<const void> owner_;
  std::map<core::NodeId, std::shared_ptr<Session>> sessions_;
  ChangeSignal review_;
  ChangeSignal ended_;
  std::size_t running_ = 0;
  std::shared_ptr<boost::asio::cancellation_signal> reviewing_;
};

}  // namespace kadenza::distributed::catalogue
