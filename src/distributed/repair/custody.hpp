// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/ids.hpp"
#include "core/task.hpp"
#include "core/timers.hpp"
#include "distributed/cluster/settings.hpp"
#include "distributed/peers/handlers.hpp"
#include "distributed/placement/directory.hpp"
#include "distributed/repair/branch.hpp"
#include "distributed/repair/held_copies.hpp"
#include "distributed/repair/pace.hpp"
#include "distributed/repair/promises.hpp"
#include "repair.pb.h"
#include "services/library/song_store.hpp"

namespace kadenza::distributed::repair {

/// This node as one that others hand songs over to: says whether it is a holder, copies what it lacks, reads
/// what it has, and promises to keep it. serve() and note_no_room() on any thread; run() is one coroutine.
class Custody {
 public:
  /// More songs than this are asked for again later.
  static constexpr std::size_t kPendingMax = 10'000;
  static constexpr std::size_t kInsteadOfMax = 40;

  struct Parts {
    placement::Directory& directory;
    const HeldCopies& held;
    Promises& promises;
    services::library::SongStore& songs;
    Pace& pace;
    const core::Clock& clock;
    core::Timers& timers;
    cluster::Settings settings;
    /// Copies the song from there; called on run()'s executor.
    std::function<core::Task<void>(kademlia::Contact, HeldCopy)> copy;
  };
  explicit Custody(Parts parts) : parts_(std::move(parts)) {}

  core::Task<core::Result<v1::KeepReply>> serve(peers::Caller caller, v1::KeepRequest request);
  core::Task<void> run();

  /// The disk was full just now: for a while, nothing more is taken.
  void note_no_room();

 private:
  struct Errand {
    HeldCopy song;
    core::NodeId source;
    bool begun = false;
  };
  core::Task<bool> keeps(placement::Partition partition, const std::vector<core::NodeId>& instead_of,
                         core::Deadline deadline);
  v1::Keeping answer(const HeldCopy& song, const core::NodeId& source);
  bool holds_too_much() const;
  bool has_room_for(std::uint64_t bytes);
  std::optional<Errand> next_errand();
  core::Task<bool> run_errand();

  const Parts parts_;
  std::mutex mutex_;  // guards all below
  std::map<core::SongId, Errand> pending_;
  core::Instant no_room_until_{};
};

}  // namespace kadenza::distributed::repair
