// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "core/clock.hpp"
#include "core/ids.hpp"
#include "distributed/cluster/settings.hpp"

namespace kadenza::distributed::streaming {

/// How often other nodes read each of this node's songs lately, and how many copies that is reason for.
/// Each holder counts for itself: readers spread over the copies, so what one of them sees, times their
/// number, is about what all see. Bounded. Thread-safe.
class Demand {
 public:
  /// More than this through one copy is reason for another one: a song of 6 MB so often is half of what a
  /// home's uplink of 10 Mbit/s can send.
  static constexpr double kPlaysPerMinute = 6;
  /// Plays count for about as long.
  static constexpr auto kMemory = std::chrono::minutes(2);
  static constexpr std::size_t kSongsMax = 4096;

  Demand(const core::Clock& clock, cluster::Settings settings) : clock_(clock), settings_(settings) {}

  /// Somebody was sent so many bytes of a song of that size.
  void served(const core::SongId& id, std::uint64_t bytes, std::uint64_t size);

  struct Popular {
    core::SongId id;
    std::size_t copies = 0;  ///< that it should have, R included
  };
  /// The songs that should have more than R copies, or have them.
  std::vector<Popular> popular();

  /// So many ranks of the song's order have it now.
  void set_copies(const core::SongId& id, std::size_t copies);
  /// As last set; 0: just the holders.
  std::uint32_t copies(const core::SongId& id) const;

 private:
  struct Reads {
    double plays = 0;  ///< as they were at `at`; they fade
    core::Instant at{};
    std::size_t copies = 0;
  };
  void fade(Reads& reads, core::Instant now) const;
  std::size_t wanted(const Reads& reads) const;
  void forget_the_least(core::Instant now);

  const core::Clock& clock_;
  const cluster::Settings settings_;
  mutable std::mutex mutex_;  // guards the one below
  std::unordered_map<core::SongId, Reads> songs_;
};

}  // namespace kadenza::distributed::streaming
