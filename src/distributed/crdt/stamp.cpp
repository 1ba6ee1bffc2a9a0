// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/crdt/stamp.hpp"

#include <algorithm>

namespace kadenza::distributed::crdt {
namespace {

constexpr unsigned kCounterBits = 16;

}  // namespace

Writer writer_of(const core::NodeId& id) noexcept {
  Writer writer = 0;
  for (std::size_t i = 0; i < sizeof writer; ++i) writer = writer << 8 | id.bytes[i];
  return writer;
}

std::uint64_t hybrid_time(core::WallTime wall) noexcept {
  const auto milliseconds = std::max<std::int64_t>(wall.time_since_epoch().count(), 0);
  return static_cast<std::uint64_t>(milliseconds) << kCounterBits;
}

core::WallTime Stamp::wall() const noexcept {
  return core::WallTime(std::chrono::milliseconds(time >> kCounterBits));
}

Stamp HybridClock::tick(core::WallTime now) noexcept {
  // A counter that overflows runs into the next millisecond, which keeps the order.
  last_ = std::max(last_ + 1, hybrid_time(now));
  return {last_, writer_};
}

core::Result<void> HybridClock::observe(Stamp seen, core::WallTime now) {
  if (seen.wall() > now + kAheadMax) {
    return core::fail(core::Errc::kInvalidArgument,
                      "it was written more than 60 s in this node's future: set the clocks of both nodes");
  }
  last_ = std::max(last_, seen.time);
  return {};
}

}  // namespace kadenza::distributed::crdt
