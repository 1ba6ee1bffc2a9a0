// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <mutex>
#include <unordered_map>

#include "core/clock.hpp"
#include "core/ids.hpp"

namespace kadenza::distributed::streaming {

/// Which songs have further copies, as their holders said a moment ago. Bounded. Thread-safe.
class KnownCopies {
 public:
  static constexpr std::size_t kSongsMax = 4096;
  static constexpr auto kFresh = std::chrono::minutes(1);

  explicit KnownCopies(const core::Clock& clock) : clock_(clock) {}

  void note(const core::SongId& id, std::size_t copies);
  /// How many ranks of the song's order have it; 0 when nothing is known.
  std::size_t of(const core::SongId& id) const;

 private:
  struct Known {
    std::size_t copies = 0;
    core::Instant until{};
  };

  const core::Clock& clock_;
  mutable std::mutex mutex_;  // guards the one below
  std::unordered_map<core::SongId, Known> songs_;
};

}  // namespace kadenza::distributed::streaming
