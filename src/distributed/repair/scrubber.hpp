// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include "core/clock.hpp"
#include "core/random.hpp"
#include "core/task.hpp"
#include "core/timers.hpp"
#include "distributed/repair/held_copies.hpp"
#include "distributed/repair/pace.hpp"
#include "distributed/repair/repair_book.hpp"
#include "services/library/song_store.hpp"

namespace kadenza::distributed::repair {

/// Reads the song from the disk, at the pace, and compares it with its hashes.
core::Task<core::Result<void>> verify_song(services::library::SongStore& songs, Pace& pace, HeldCopy song);

/// Reads all that this node holds from the disk, again and again, and compares it with its hashes. What it
/// finds rotten the store tells its watcher. Each start begins elsewhere, so that a node that is often
/// restarted gets everywhere, too. One coroutine.
class Scrubber {
 public:
  struct Parts {
    services::library::SongStore& songs;
    const HeldCopies& held;
    Pace& pace;
    RepairBook& book;
    const core::Clock& clock;
    core::Timers& timers;
    core::Random& random;
    core::Duration
        every{};  ///< from the beginning of a pass to that of the next; longer when one takes longer
  };
  explicit Scrubber(Parts parts) : parts_(parts) {}

  core::Task<void> run();

 private:
  core::Task<void> pass();
  core::Task<void> scrub(HeldCopy song);

  const Parts parts_;
  core::SongId start_;
};

}  // namespace kadenza::distributed::repair
