// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <bit>
#include <cstdint>

namespace kadenza::sim {

/// A running hash over everything that happens in a simulation, in order. Two runs with the same seed have
/// the same hash; when they do not, something read a real clock, an address or the order of a hash table.
class TraceHash {
 public:
  void mix(std::uint64_t value) { state_ = (std::rotl(state_, 5) ^ value) * 0x9e3779b97f4a7c15U; }
  std::uint64_t value() const { return state_ ^ (state_ >> 32); }

 private:
  std::uint64_t state_ = 0x6b6164656e7a61U;
};

}  // namespace kadenza::sim
