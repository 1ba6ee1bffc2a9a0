// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/audio_stream.hpp"
#include "core/music_library.hpp"
#include "distributed/member.hpp"
#include "distributed/peers/handlers.hpp"
#include "distributed/peers/peers.hpp"
#include "distributed/placement/routing.hpp"
#include "sim/coroutines.hpp"
#include "sim/engine.hpp"
#include "sim/enrolled.hpp"
#include "sim/memory_document_store.hpp"
#include "sim/memory_row_store.hpp"
#include "sim/memory_song_store.hpp"
#include "sim/mortal_peers.hpp"
#include "sim/random.hpp"

namespace kadenza::sim {

/// One run of a member's program, on a simulated host: production's Member over disks, clock and network that
/// end with it. What its coroutines still try to do after kill() fails, as it does for a process that is
/// gone. Outlives them all.
class MemberProcess {
 public:
  struct Parts {
    distributed::kademlia::Contact self;
    MemoryDisk& disk;
    MemoryRowStore& rows;
    MemoryDocumentStore& documents;
    std::string& cluster_document;
    distributed::peers::Peers& peers;
    /// The live nodes that this one reaches, nearest to the key first; what a lookup would find.
    std::function<std::vector<distributed::kademlia::Contact>(distributed::kademlia::Key)> reachable;
    Engine& engine;
    Coroutines& coroutines;
    SimTimers& timers;
    distributed::cluster::Settings settings;
    core::Duration grace;
    distributed::repair::SongRepair::Options repair;
    core::Duration calendar_error;  ///< of its wall clock
    Random random;
  };
  explicit MemberProcess(Parts parts);
  ~MemberProcess();
  MemberProcess(const MemberProcess&) = delete;
  MemberProcess& operator=(const MemberProcess&) = delete;

  void start();
  /// From now on it does nothing to the world. Before the Coroutines go, it needs some time to end.
  void kill();
  bool alive() const { return alive_; }

  const distributed::peers::Handlers& handlers() const { return handlers_; }
  distributed::Member& member() { return member_; }
  Enrolled& enrolled() { return enrolled_; }

  /// As DistributedLibrary does for the Views.
  core::Task<core::Result<core::UploadOutcome>> upload(std::vector<std::uint8_t> audio,
                                                       core::Deadline deadline);
  core::Task<core::Result<std::unique_ptr<core::AudioStream>>> open(core::SongId id, core::ByteRange range,
                                                                    core::Deadline deadline);

 private:
  class Rows;
  class Documents;
  class Lookups;

  core::Task<void> stop();

  const Parts parts_;
  bool alive_ = true;
  SimClock clock_;
  MemorySongStore songs_;
  const std::unique_ptr<Rows> rows_;
  const std::unique_ptr<Documents> documents_;
  MortalPeers calls_;
  const std::unique_ptr<Lookups> lookups_;
  Random random_;
  distributed::peers::Handlers handlers_;
  Enrolled enrolled_;
  distributed::Member member_;
};

}  // namespace kadenza::sim
