// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include <boost/asio/any_io_executor.hpp>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/music_library.hpp"
#include "core/song.hpp"
#include "core/task.hpp"
#include "core/timers.hpp"
#include "distributed/cluster/settings.hpp"
#include "distributed/peers/peers.hpp"
#include "distributed/placement/directory.hpp"
#include "distributed/replication/holder.hpp"
#include "distributed/replication/offers.hpp"

namespace kadenza::distributed::replication {

/// Makes songs that this node received durable on the nodes that shall hold them (docs/replication.md).
/// Thread-safe; lives until stop() has answered.
class Replicator : public std::enable_shared_from_this<Replicator> {
 public:
  struct Parts {
    placement::Directory& directory;
    peers::Peers& peers;
    RemoteReplicas& replicas;
    Holder& holder;
    services::library::SongStore& songs;
    Offers& offers;
    const core::Clock& clock;
    core::Timers& timers;
    boost::asio::any_io_executor executor;  ///< an io_context's, for what goes on after the answer
    cluster::Settings settings;
    std::function<std::size_t()> enrolled;  ///< M: members of the cluster, this one included
    /// Tells the catalogue of a song that was stored; true when its row is durable there.
    std::function<core::Task<bool>(core::Song, core::Deadline)> announce;
  };
  explicit Replicator(Parts parts) : parts_(std::move(parts)) {}

  /// How many durable copies an upload waits for.
  std::size_t quorum() const;

  /// Whether so many nodes live that an upload can succeed; kUnavailable says how many are missing.
  core::Task<core::Result<void>> check_quorum(core::Deadline deadline);

  /// Stores the song on its holders, or finds that it is there. Answers once the quorum has it; the other
  /// copies follow by themselves. kUnavailable: too few nodes took it by the deadline; the same upload can be
  /// tried again, and completes the copy that one of them may hold.
  core::Task<core::Result<core::UploadOutcome>> place(std::shared_ptr<const Offer> offer,
                                                      core::Deadline deadline);

  /// The catalogue says that another record of this song won. If this node holds the one that lost, it copies
  /// the winner from those who have it, and lets its own go then. In the background, until it is done.
  void take_winner(core::Song winner);

 private:
  class Run;
  std::size_t live_nodes() const;
  core::Task<bool> try_to_take(core::Song winner);
  core::Task<core::Result<ClaimOutcome>> claim(const placement::Order& order, core::Song song,
                                               core::Deadline deadline);
  core::Task<core::Result<ClaimOutcome>> claim_at(placement::Candidate candidate, core::Song song,
                                                  core::Deadline deadline);
  core::Task<bool> announced(core::Song song);

  const Parts parts_;
};

}  // namespace kadenza::distributed::replication
