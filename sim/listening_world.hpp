// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "core/song.hpp"
#include "distributed/cluster/settings.hpp"
#include "distributed/peers/peers.hpp"
#include "sim/actions.hpp"
#include "sim/coroutines.hpp"
#include "sim/engine.hpp"
#include "sim/kademlia_swarm.hpp"
#include "sim/listening.hpp"
#include "sim/memory_song_store.hpp"
#include "sim/network.hpp"
#include "sim/peer_network.hpp"
#include "sim/population.hpp"
#include "sim/streaming_process.hpp"
#include "sim/swarm_lookups.hpp"

namespace kadenza::sim {

/// A song of the world, and the hosts that placement gives it to.
struct PlacedSong {
  std::shared_ptr<const core::SongRecord> record;
  std::vector<HostId> holders;
};

/// A network of nodes that store songs and of listeners' nodes, which store nothing, are behind home routers
/// and come and go; all songs are on their holders from the beginning. Single-threaded.
class ListeningWorld {
 public:
  explicit ListeningWorld(const ListeningOptions& options);
  ~ListeningWorld();
  ListeningWorld(const ListeningWorld&) = delete;
  ListeningWorld& operator=(const ListeningWorld&) = delete;

  /// All nodes join, one after the other; returns when the last one begins to.
  core::Instant join();
  void begin_churn();

  Engine& engine() { return engine_; }
  core::Instant now() const { return engine_.now(); }
  SimTimers& timers() { return timers_; }
  Random& random() { return random_; }
  void spawn(std::function<core::Task<void>()> body);
  /// Hears of each process that starts.
  std::function<void(StreamingProcess&, HostId)> on_start;

  /// By Zipf's law.
  const PlacedSong& any_song();
  /// The least time in which a song of these holders can begin at the host, by the speed of light and the
  /// handshakes; zero when the host has it itself or no holder runs.
  core::Duration floor(HostId host, const PlacedSong& song) const;

  const KademliaSwarm& swarm() const { return swarm_; }
  const SwarmLookups& lookups() const { return lookups_; }
  std::uint64_t departures() const { return departures_; }
  /// Every process there was.
  std::vector<const StreamingProcess*> processes() const;

 private:
  struct Host {
    bool stores = false;
    MemoryDisk disk;
    std::unique_ptr<distributed::peers::Peers> peers;
    std::vector<std::unique_ptr<StreamingProcess>> processes;  ///< the last one runs, or none
  };
  void add_host(bool stores);
  void place_songs();
  void start(HostId host);
  void crash(HostId host);
  void crash_after_a_session(HostId host);

  const ListeningOptions options_;
  distributed::cluster::Settings settings_;
  Engine engine_;
  Random random_;
  Coroutines coroutines_{engine_};
  SimTimers timers_{engine_};
  SimClock clock_{engine_};
  Network network_;
  Actions actions_{engine_};
  kademlia::Config config_;
  KademliaSwarm swarm_;
  Population population_;
  SwarmLookups lookups_;
  PeerNetwork peer_network_;
  std::deque<Host> hosts_;
  std::vector<PlacedSong> songs_;
  std::vector<double> popularity_;  ///< cumulated
  bool churn_ = false;
  std::uint64_t departures_ = 0;
};

}  // namespace kadenza::sim
