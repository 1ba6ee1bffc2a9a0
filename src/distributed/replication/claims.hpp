// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <mutex>
#include <optional>
#include <unordered_map>
#include <variant>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/ids.hpp"

namespace kadenza::distributed::replication {

/// Which audio may become a song that nobody holds yet. The first live node of the song's order decides it
/// for uploads that run at the same time, so that they rarely meet only in a merge. A claim ends by itself
/// when its upload is not heard of for kLease: an entry node that dies blocks nobody for longer. Thread-safe;
/// one lock.
class Claims {
 public:
  static constexpr core::Duration kLease = std::chrono::seconds(10);
  static constexpr std::size_t kClaimsMax = 100'000;

  explicit Claims(const core::Clock& clock) : clock_(clock) {}

  /// The time from which the song is stored, or the audio that has the claim. The same audio gets the same
  /// time again. kTooManyRequests when too many uploads are under way.
  using Outcome = std::variant<core::WallTime, core::Digest>;
  core::Result<Outcome> claim(const core::SongId& song, const core::Digest& audio);

  /// The song is stored, or the upload failed: others need not wait for the lease's end.
  void release(const core::SongId& song, const core::Digest& audio);

 private:
  struct Claim {
    core::Digest audio;
    core::WallTime first_stored;
    core::Instant until;
  };
  void drop_ended();

  const core::Clock& clock_;
  std::mutex mutex_;  // guards all below
  std::unordered_map<core::SongId, Claim> claims_;
};

}  // namespace kadenza::distributed::replication
