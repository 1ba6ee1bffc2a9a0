// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/audio_stream.hpp"
#include "distributed/cluster/settings.hpp"
#include "distributed/peers/handlers.hpp"
#include "distributed/peers/peers.hpp"
#include "distributed/placement/directory.hpp"
#include "distributed/placement/observed_peers.hpp"
#include "distributed/placement/routing.hpp"
#include "distributed/replication/holder.hpp"
#include "distributed/replication/offers.hpp"
#include "distributed/replication/remote_replicas.hpp"
#include "distributed/streaming/demand.hpp"
#include "distributed/streaming/remote_songs.hpp"
#include "sim/coroutines.hpp"
#include "sim/memory_song_store.hpp"
#include "sim/mortal_peers.hpp"
#include "sim/swarm_lookups.hpp"

namespace kadenza::sim {

/// One run of that part of a node which listening needs, as production puts it together: it finds holders by
/// Kademlia's lookups, reads from them, and serves what its own disk has. No catalogue, no repair, no cache.
/// Outlives its coroutines; what they still try after kill() fails.
class StreamingProcess {
 public:
  struct Parts {
    distributed::kademlia::Contact self;
    HostId host = 0;
    MemoryDisk& disk;
    distributed::peers::Peers& peers;
    SwarmLookups& lookups;
    const core::Clock& clock;
    core::Timers& timers;
    boost::asio::any_io_executor executor;
    distributed::cluster::Settings settings;
  };
  explicit StreamingProcess(Parts parts);
  ~StreamingProcess();
  StreamingProcess(const StreamingProcess&) = delete;
  StreamingProcess& operator=(const StreamingProcess&) = delete;

  const distributed::peers::Handlers& handlers() const { return handlers_; }
  void kill() { alive_ = false; }
  bool alive() const { return alive_; }

  core::Task<core::Result<std::unique_ptr<core::AudioStream>>> open(core::SongId id, core::ByteRange range,
                                                                    core::Deadline deadline) {
    return remote_songs_->open(id, range, deadline);
  }
  /// A call that opens the connection; what it asks does not matter.
  core::Task<void> greet(distributed::kademlia::Contact other, core::Deadline deadline);
  bool holds(const core::SongId& id) const { return parts_.disk.holds(id); }
  distributed::placement::Directory& directory() { return *directory_; }
  const distributed::streaming::StreamingCounters& counters() const { return remote_songs_->counters(); }

 private:
  class Lookups;

  const Parts parts_;
  bool alive_ = true;
  MortalPeers calls_;
  const std::unique_ptr<Lookups> lookups_;
  MemorySongStore songs_;
  const std::shared_ptr<distributed::placement::Directory> directory_;
  distributed::placement::ObservedPeers peers_;
  distributed::replication::RemoteReplicas replicas_;
  distributed::replication::Offers offers_;
  distributed::streaming::Demand demand_;
  distributed::replication::Holder holder_;
  const std::shared_ptr<distributed::streaming::RemoteSongs> remote_songs_;
  distributed::peers::Handlers handlers_;
};

}  // namespace kadenza::sim
