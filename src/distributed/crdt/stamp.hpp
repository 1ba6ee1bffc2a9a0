// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/ids.hpp"

namespace kadenza::distributed::crdt {

/// Who writes: the first 8 bytes of its NodeId, big-endian.
using Writer = std::uint64_t;
Writer writer_of(const core::NodeId& id) noexcept;

/// When something was written, and by whom: no two writes have the same. `time` is that of a hybrid logical
/// clock (Kulkarni et al. 2014), 48 bits of milliseconds since 1970 above a 16-bit counter. Ordered by time,
/// then by writer. Zero is before every write.
struct Stamp {
  std::uint64_t time = 0;
  Writer writer = 0;

  core::WallTime wall() const noexcept;
  friend auto operator<=>(const Stamp&, const Stamp&) = default;
};

/// The first hybrid time of the millisecond `wall`.
std::uint64_t hybrid_time(core::WallTime wall) noexcept;

/// Gives stamps that follow everything this node has seen. Pure; one owner.
class HybridClock {
 public:
  /// A stamp further ahead of the receiver's clock is refused: one wrong clock must not drag all others
  /// along, or win over every later write.
  static constexpr std::chrono::seconds kAheadMax{60};

  explicit HybridClock(Writer writer) noexcept : writer_(writer) {}

  /// Greater than every stamp given or observed before.
  Stamp tick(core::WallTime now) noexcept;

  /// What another node wrote. kInvalidArgument, and nothing has happened, when it is too far ahead of `now`.
  core::Result<void> observe(Stamp seen, core::WallTime now);

 private:
  Writer writer_;
  std::uint64_t last_ = 0;
};

}  // namespace kadenza::distributed::crdt
