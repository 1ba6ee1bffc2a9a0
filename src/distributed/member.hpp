// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

#include <boost/asio/any_io_executor.hpp>

#include "core/background.hpp"
#include "core/clock.hpp"
#include "core/ids.hpp"
#include "core/network.hpp"
#include "core/random.hpp"
#include "core/song.hpp"
#include "core/task.hpp"
#include "core/timers.hpp"
#include "distributed/catalogue/shared_catalogue.hpp"
#include "distributed/cluster/settings.hpp"
#include "distributed/documents/copies.hpp"
#include "distributed/documents/document_repair.hpp"
#include "distributed/documents/documents.hpp"
#include "distributed/kademlia/contact.hpp"
#include "distributed/peers/handlers.hpp"
#include "distributed/peers/peers.hpp"
#include "distributed/placement/directory.hpp"
#include "distributed/placement/observed_peers.hpp"
#include "distributed/placement/routing.hpp"
#include "distributed/repair/song_repair.hpp"
#include "distributed/replication/further_copies.hpp"
#include "distributed/replication/holder.hpp"
#include "distributed/replication/offers.hpp"
#include "distributed/replication/remote_replicas.hpp"
#include "distributed/replication/replicator.hpp"
#include "distributed/streaming/demand.hpp"
#include "distributed/streaming/remote_songs.hpp"
#include "services/library/row_store.hpp"
#include "services/library/song_store.hpp"

namespace kadenza::distributed {

/// What a member of a cluster does with the others' music: placement, replication, repair, streaming, the
/// common catalogue and listeners' documents, put together. It knows neither files nor sockets, and runs
/// unchanged in the simulator. Thread-safe after start(), unless said otherwise.
class Member {
 public:
  /// What it stands on; all of it must outlive the object.
  struct Parts {
    kademlia::Contact self;  ///< this node as others reach it
    peers::Peers& peers;
    placement::Routing& routing;
    services::library::SongStore& songs;
    services::library::RowStore& rows;
    services::documents::DocumentStore& documents;
    streaming::SongCache* cache = nullptr;  ///< none: what others hold is not kept
    const core::Clock& clock;
    core::Timers& timers;
    core::Random& random;
    boost::asio::any_io_executor executor;
    boost::asio::any_io_executor blocking;
    cluster::Settings settings;
    core::Duration grace = std::chrono::minutes(15);  ///< until a silent node's copies are made again
    repair::SongRepair::Options repair = {};
    std::function<bool(const core::NodeId&)> is_member;
    std::function<std::size_t()> enrolled;  ///< members of the cluster, this one included
    /// Runs after each look at the members, about once a second, counted from 0; none: nothing more is done.
    std::function<core::Task<void>(unsigned round)> on_round;
  };
  explicit Member(Parts parts);
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;

  /// Adds the methods that other members call. Before anything is served.
  void serve(peers::Handlers& handlers);
  /// The others can call now.
  void start();
  /// Resumes when what start() began has ended. Once.
  core::Task<void> stop();

  placement::Directory& directory() const noexcept { return *directory_; }
  /// Calls whose outcomes the directory learns from.
  peers::Peers& peers() noexcept { return peers_; }
  streaming::Replicas& replicas() noexcept { return replicas_; }
  const std::shared_ptr<replication::Replicator>& replicator() const noexcept { return replicator_; }
  const std::shared_ptr<streaming::RemoteSongs>& remote_songs() const noexcept { return remote_songs_; }
  const cluster::Settings& settings() const noexcept { return parts_.settings; }
  core::RepairState repair_state() const;
  documents::Documents& documents() noexcept { return *documents_; }
  /// This node empties itself before it leaves; repair_state() says how far it is.
  void leave() { repair_.leave(); }
  void stay() { repair_.stay(); }

 private:
  core::Task<void> keep_acquainted();

  // In the order of construction: what is below uses what is above it.
  const Parts parts_;
  const std::shared_ptr<placement::Directory> directory_;
  placement::ObservedPeers peers_;
  replication::RemoteReplicas replicas_;
  replication::Offers offers_;
  streaming::Demand demand_;
  replication::Holder holder_;
  const std::shared_ptr<catalogue::SharedCatalogue> catalogue_;
  const std::shared_ptr<replication::Replicator> replicator_;
  const std::shared_ptr<streaming::RemoteSongs> remote_songs_;
  replication::FurtherCopies further_copies_;
  core::SeededRandom repair_random_;  ///< of repair's strand alone
  repair::SongRepair repair_;
  documents::Copies copies_;
  core::SeededRandom document_random_;  ///< of their repair's strand alone
  documents::DocumentRepair document_repair_;
  const std::shared_ptr<documents::Documents> documents_;
  core::Background acquaintance_;
};

}  // namespace kadenza::distributed
