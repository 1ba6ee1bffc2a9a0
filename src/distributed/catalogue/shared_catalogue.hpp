// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <chrono>
#include <memory>

#include <boost/asio/any_io_executor.hpp>

#include "core/clock.hpp"
#include "core/random.hpp"
#include "core/song.hpp"
#include "core/task.hpp"
#include "core/timers.hpp"
#include "distributed/catalogue/catalogue_service.hpp"
#include "distributed/catalogue/follower.hpp"
#include "distributed/catalogue/reconciler.hpp"
#include "distributed/catalogue/row_intake.hpp"
#include "distributed/cluster/settings.hpp"
#include "distributed/peers/handlers.hpp"
#include "distributed/peers/peers.hpp"
#include "distributed/placement/directory.hpp"
#include "services/library/row_store.hpp"

namespace kadenza::distributed::catalogue {

/// The catalogue that all nodes share: brings this node's rows to the holders of their shards, follows the
/// rows of all others, and answers those that follow this node (docs/catalogue.md). Thread-safe; everything
/// runs on a strand of its own.
class SharedCatalogue : public std::enable_shared_from_this<SharedCatalogue> {
 public:
  struct Options {
    core::Duration review = std::chrono::seconds(1);         ///< how often the orders of shards are looked at
    core::Duration compare = std::chrono::seconds(60);       ///< between two comparisons with a followed node
    core::Duration wait = std::chrono::seconds(20);          ///< how long a call waits for changes
    core::Duration pause = std::chrono::seconds(1);          ///< after a call that failed
    core::Duration gather = std::chrono::milliseconds(100);  ///< how long a change waits for others
  };
  /// What it stands on; all of it must outlive the object.
  struct Parts {
    boost::asio::any_io_executor executor;
    services::library::RowStore& rows;
    peers::Peers& peers;
    placement::Directory& directory;
    const core::Clock& clock;
    core::Timers& timers;
    core::Random& random;  ///< used on the strand only
    cluster::Settings settings;
    /// Hears of every row of this node that lost against another node's; called on the strand.
    OnSuperseded on_superseded;
    Options options;
  };
  static std::shared_ptr<SharedCatalogue> create(Parts parts);

  /// Adds the methods of the service Catalogue. Before anything is served.
  void serve(peers::Handlers& handlers);
  void start();
  /// Resumes when all that start() began has ended.
  core::Task<void> stop();

  /// Adds the row of a song that was just stored to this node's, so that whoever uploaded it finds it here at
  /// once, and brings it to the first R live candidates of its shard. True when
  /// min(W, how many there are) of them have it durably; false when they do not say so by the deadline: the
  /// row gets there later all the same.
  core::Task<bool> announce(core::Song song, core::Deadline deadline);

  const CatalogueCounters& counters() noexcept { return intake_.counters(); }
  /// How many nodes this node follows. On the strand.
  std::size_t followed() const noexcept { return follower_.followed(); }

 private:
  explicit SharedCatalogue(Parts parts);
  template <class Request, class Serve>
  void add(peers::Handlers& handlers, Serve serve);
  core::Task<bool> announce_here(core::Song song, core::Deadline deadline);
  core::Task<bool> bring(core::Song song, placement::Candidate to, core::Deadline deadline);

  const Parts parts_;
  const boost::asio::any_io_executor strand_;
  RowIntake intake_;
  ChangeSignal changed_;
  Reconciler reconciler_;
  CatalogueService service_;
  Follower follower_;
};

}  // namespace kadenza::distributed::catalogue
