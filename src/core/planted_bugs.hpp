// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>

namespace kadenza::core {

/// Faults that a build with KADENZA_PLANTED_BUGS can switch on, one at a time, to show that the simulator's
/// checkers find them (docs/simulation.md). In every other build there are none.
enum class PlantedBug : std::uint8_t {
  kNone,
  // Kademlia
  kHearsayIsLive,  ///< a contact is believed without an answer
  kStopsEarly,     ///< a lookup ends when the nearest known node has answered
  kNoRetransmission,
  kLateRepliesIgnored,  ///< what comes after the soft time-out does not count
  kInexactNearest,      ///< buckets are visited in their order, not in that of the distance
  kOneFailureHides,     ///< nobody is told of a contact that failed once
  // The songs' layer
  kAnswersBeforeSync,    ///< a holder says that it has a song before its disk has
  kQuorumTooSmall,       ///< an upload is acknowledged one copy early
  kDropsBeforePromises,  ///< a surplus copy is let go on one promise
  kPromiseForgotten,     ///< a copy is let go although its holder promised to keep it
  kStandInForgotten,     ///< who stood in for a holder never hands its copy over
  kNoRepair,             ///< missing copies are found, and not made again
  kNoScrubbing,          ///< nobody reads the disk for rot
  kChunksUnchecked,      ///< bytes from another node, or from the disk, are passed on as they come
  kTrustsFutureClocks,   ///< a first-stored time that is to come is believed
  kLastWriterWins,       ///< of two records of a song the later one wins here, as told by a clock
  kLoserKept,            ///< a record that lost is not replaced by the winner
  kRowsNotCompared,      ///< rows that a node missed are never asked for
  kEndlessFetch,         ///< a stream whose sources are gone waits for them for ever
  kCapacityIgnored,      ///< a full disk takes more
  // Documents
  kOneWriterForEver,    ///< a node writes as one writer, also when it does not see its own last change
  kStatesReplaced,      ///< the state of a document that comes takes the place of the one that is there
  kChangesNotCompared,  ///< holders do not ask each other for the changes that they missed
  // Enrolment
  kMembersNotCompared  ///< who did not hear of a new member at once never does
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

}  // namespace kadenza::core
