// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>

#include "core/clock.hpp"

namespace kadenza::sim {

/// What a listener hears of one song: bytes come when they come and are needed one after the other at the
/// song's rate. Pure.
class Player {
 public:
  /// The song should sound at `wanted`; it does as soon as its first bytes are there.
  Player(core::Instant wanted, double bytes_per_second) : wanted_(wanted), rate_(bytes_per_second) {}

  /// All bytes before `size` are there.
  void has(std::uint64_t size, core::Instant now);

  bool begun() const { return bytes_ > 0; }
  core::Duration latency() const { return began_ - wanted_; }
  /// When it began to sound; later than it was wanted by latency().
  core::Instant began() const { return began_; }
  /// In all, so far.
  core::Duration silence() const { return silence_; }
  /// When the byte at `offset` is needed, if there is no further silence.
  core::Instant needed(std::uint64_t offset) const;

 private:
  const core::Instant wanted_;
  const double rate_;
  core::Instant began_{};
  std::uint64_t bytes_ = 0;
  core::Duration silence_{};
};

}  // namespace kadenza::sim
