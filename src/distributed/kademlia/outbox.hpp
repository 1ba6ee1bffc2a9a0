// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "distributed/kademlia/config.hpp"
#include "distributed/kademlia/message.hpp"

namespace kadenza::distributed::kademlia {

/// C of the design: the most nodes that a lookup can be asked for.
inline constexpr std::size_t kLookupNodesMax = 40;

/// Names a lookup under way. Never reused within one node's life.
enum class LookupId : std::uint64_t {};

/// When a lookup is finished.
struct LookupGoal {
  enum class Kind : std::uint8_t {
    kNearest,  ///< the `count` nearest nodes that answer have all answered
    kRead,     ///< `enough` of the `count` nearest known nodes have answered: they know their neighbours, so
               ///< the list is as good as final, and a reader asks its nodes one after the other anyway
  };
  Kind kind = Kind::kNearest;
  std::uint8_t count = 20;  ///< 1 … kLookupNodesMax
  std::uint8_t enough = 3;  ///< for kRead; 1 … count
  bool trace = false;       ///< record the path

  static LookupGoal nearest(std::uint8_t count = 20) { return {Kind::kNearest, count, count, false}; }
  static LookupGoal read(std::uint8_t count = 20) { return {Kind::kRead, count, 3, false}; }
};

/// One node asked on the way of a traced lookup, in the order of asking.
struct Hop {
  enum class State : std::uint8_t { kWaiting, kSlow, kReplied, kFailed };
  Contact contact;
  NodeId told_by;          ///< who named it to us; our own id = our routing table
  std::uint8_t depth = 0;  ///< 1 = from our routing table, 2 = named by one of these, …
  State state = State::kWaiting;
  Duration asked_after{};     ///< since the start of the lookup
  Duration took{};            ///< until its reply or failure
  std::uint8_t contacts = 0;  ///< how many its answer held
  std::uint8_t news = 0;      ///< and how many of these we did not know yet
};

/// The end of a lookup.
struct LookupResult {
  LookupId id{};
  Key target;
  LookupGoal goal;
  /// Nearest first, without this node itself. kNearest: all answered. kRead: those that did not fail.
  ContactArray<kLookupNodesMax> contacts;
  /// Bit i: contacts[i] has answered this lookup.
  std::uint64_t answered = 0;
  /// How long those that have answered took, as contacts; with a lost packet, its repetition included.
  std::array<Duration, kLookupNodesMax> round_trips{};
  std::uint16_t asked = 0;   ///< different nodes asked
  std::uint16_t sent = 0;    ///< requests sent, with repetitions
  std::uint16_t failed = 0;  ///< nodes that did not answer
  std::uint8_t hops = 0;     ///< depth of the deepest node that answered and is in the result
  Duration took{};
  std::vector<Hop> path;  ///< empty unless traced
};

/// A datagram to be sent.
struct Send {
  Endpoint to;
  Message message;
};

/// What a node wants done after an event. One Outbox is reused for ever, so that nothing is allocated once it
/// has grown; whoever calls the node clears it.
struct Outbox {
  std::vector<Send> sends;
  std::vector<LookupResult> finished;

  void clear() noexcept {
    sends.clear();
    finished.clear();
  }
};

}  // namespace kadenza::distributed::kademlia
