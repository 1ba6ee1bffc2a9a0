// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>

#include "core/clock.hpp"
#include "core/ids.hpp"
#include "services/catalogue/row_version.hpp"

namespace kadenza::distributed::repair {

using services::catalogue::RowVersion;

/// What this node promised to others to keep. A node that is no holder drops its copy on the word of R
/// holders; so that no two of them drop on each other's word, a promise binds: while it lasts, let_go()
/// refuses. Promises are kept in memory; since a restart forgets them, nothing is let go until the time of
/// one has passed. Thread-safe.
class Promises {
 public:
  Promises(const core::Clock& clock, core::Duration time)
      : clock_(clock), time_(time), started_(clock.now()) {}

  core::Duration time() const noexcept { return time_; }

  /// The copy on the disk is right now: it was just written and synced, or read.
  void verified(const RowVersion& song);
  /// It is not, any more.
  void doubted(const core::SongId& id);

  /// Binds from now on. False when the copy was neither verified within the time of a promise nor promised
  /// without a break since it was, or is being let go.
  bool promise(const RowVersion& song);

  /// False while a promise binds. Otherwise none is made until settled().
  bool let_go(const core::SongId& id);
  /// What was let go is gone, or stays after all.
  void settled(const core::SongId& id);

 private:
  struct Entry {
    std::uint64_t version = 0;
    std::optional<core::Instant> verified;
    std::optional<core::Instant> bound_until;
    bool going = false;
  };
  void forget_old();

  const core::Clock& clock_;
  const core::Duration time_;
  const core::Instant started_;
  std::mutex mutex_;  // guards all below
  std::map<core::SongId, Entry> entries_;
  std::size_t forget_above_ = 10'000;
};

}  // namespace kadenza::distributed::repair
