// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "core/background.hpp"
#include "core/clock.hpp"
#include "core/network.hpp"
#include "core/random.hpp"
#include "core/task.hpp"
#include "core/timers.hpp"
#include "distributed/cluster/settings.hpp"
#include "distributed/peers/handlers.hpp"
#include "distributed/placement/directory.hpp"
#include "distributed/repair/comparison.hpp"
#include "distributed/repair/custody.hpp"
#include "distributed/repair/duties.hpp"
#include "distributed/repair/fetcher.hpp"
#include "distributed/repair/hand_over.hpp"
#include "distributed/repair/held_copies.hpp"
#include "distributed/repair/mender.hpp"
#include "distributed/repair/occasions.hpp"
#include "distributed/repair/pace.hpp"
#include "distributed/repair/promises.hpp"
#include "distributed/repair/repair_book.hpp"
#include "distributed/repair/scrubber.hpp"
#include "distributed/replication/holder.hpp"
#include "services/library/song_store.hpp"

namespace kadenza::distributed::repair {

/// Keeps songs on as many nodes as shall hold them (docs/repair.md): compares what this node holds with the
/// other holders, copies to this node what it lacks, and reads its own disk for rot. Each node makes itself
/// whole; nobody copies for others, so nothing is copied twice.
///
/// Lives until stop() has answered. state() and the served methods may be called on any thread; all else runs
/// on a strand of its own.
class SongRepair {
 public:
  struct Options {
    Schedule schedule;
    std::uint64_t bytes_per_second = 20'000'000;  ///< of copying
    std::uint64_t scrubbed_per_second = 4'000'000;
    core::Duration scrub_every = std::chrono::hours(24 * 7);
  };
  struct Parts {
    placement::Directory& directory;
    peers::Peers& peers;
    replication::Holder& holder;
    services::library::SongStore& songs;
    const core::Clock& clock;
    core::Timers& timers;
    core::Random& random;  ///< used on the strand only
    boost::asio::any_io_executor executor;
    cluster::Settings settings;
    Options options;
  };
  explicit SongRepair(Parts parts);
  SongRepair(const SongRepair&) = delete;
  SongRepair& operator=(const SongRepair&) = delete;

  void add_methods(peers::Handlers& handlers);
  /// From now on the store is watched, and the others compared with.
  void start();
  core::Task<void> stop();

  core::RepairState state() const;

  /// Empties this node before it leaves: from now on nothing is placed on it, and the holders of what it
  /// holds are asked to keep it; state() says how far that is. Its own copies stay. On any thread.
  void leave();
  /// It stays after all, as it also does after a restart.
  void stay();

 private:
  struct Round {
    std::map<core::SongId, std::set<core::NodeId>> lacking;  ///< who shall hold it and does not
    std::uint64_t bytes = 0;
    bool more = false;  ///< something was copied, or more is to be
  };
  using Wanted = std::deque<HeldCopy>;

  core::Task<void> run();
  core::Task<void> load();
  core::Task<Round> compare_with(std::vector<kademlia::Contact> others);
  core::Task<void> compare_with(kademlia::Contact other, Round& round);
  core::Task<Wanted> own(std::vector<HeldCopy> missing);
  core::Task<void> fetch_all(kademlia::Contact source, Wanted& wanted, Round& round);
  core::Task<void> fetch_one(kademlia::Contact source, HeldCopy wanted, Round& round);
  core::Task<std::uint64_t> copy(kademlia::Contact source, HeldCopy wanted);
  core::Task<bool> hand_over(const Round& round);
  std::vector<Offer> surplus() const;
  std::vector<Offer> lacking(const Round& round) const;
  void note_handed_over(const std::vector<Offer>& surplus);
  void note(Round round);
  bool is_postponed(const core::SongId& id);

  const Parts parts_;
  HeldCopies held_;
  Duties duties_;
  RepairBook book_;
  Pace copying_, reading_, scrubbing_;  ///< reading: of what was handed over to be kept
  PacedPeers paced_;
  replication::RemoteReplicas records_, replicas_;
  Fetcher fetcher_;
  Mender mender_;
  Scrubber scrubber_;
  Promises promises_;
  Custody custody_;
  HandOver hand_over_;
  Occasions occasions_;
  core::Background background_;

  std::map<core::SongId, core::Instant> postponed_;  ///< copying failed; not before then
};

}  // namespace kadenza::distributed::repair
