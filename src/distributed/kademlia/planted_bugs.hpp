// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>

namespace kadenza::distributed::kademlia {

/// Faults that a build with KADENZA_PLANTED_BUGS can switch on, one at a time, to show that the simulator's
/// checkers find them. In every other build there are none.
enum class PlantedBug : std::uint8_t {
  kNone,
  kHearsayIsLive,  ///< a contact is believed without an answer
  kStopsEarly,     ///< a lookup ends when the nearest known node has answered
  kNoRetransmission,
  kLateRepliesIgnored,  ///< what comes after the soft time-out does not count
  kInexactNearest,      ///< buckets are visited in their order, not in that of the distance
  kOneFailureHides,     ///< nobody is told of a contact that failed once
};

#ifdef KADENZA_PLANTED_BUGS
inline PlantedBug planted_bug = PlantedBug::kNone;
inline bool planted(PlantedBug bug) {
  return planted_bug == bug;
}
#else
constexpr bool planted(PlantedBug) {
  return false;
}
#endif

}  // namespace kadenza::distributed::kademlia
