// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <variant>

#include "distributed/kademlia/contact.hpp"

namespace kadenza::distributed::kademlia {

/// Contacts in one answer: as many as fit one datagram of 1,200 bytes with its seal.
inline constexpr std::size_t kAnswerContactsMax = 20;

/// "Are you there?"
struct Ping {
  friend bool operator==(const Ping&, const Ping&) = default;
};

/// "I am."
struct Pong {
  friend bool operator==(const Pong&, const Pong&) = default;
};

/// "Which nodes do you know nearest to this key, of those at this distance or farther?" Not zero when an
/// earlier answer was full and did not reach far enough.
struct FindNode {
  Key target;
  Distance from{};
  friend bool operator==(const FindNode&, const FindNode&) = default;
};

/// The answer, nearest first. The answering node itself is not in it.
struct Nodes {
  ContactArray<kAnswerContactsMax> contacts;
  friend bool operator==(const Nodes&, const Nodes&) = default;
};

using Body = std::variant<Ping, Pong, FindNode, Nodes>;

/// One datagram's content. A reply repeats its request's transaction and attempt.
struct Message {
  std::uint64_t transaction = 0;
  /// 0 for the first sending of a request, 1 for its repetition: tells which sending a reply answers, so
  /// that a round trip is measured exactly although the two share the transaction.
  std::uint8_t attempt = 0;
  /// Who says this. Its endpoint is where it wants to be reached; unspecified = where the datagram comes
  /// from.
  Contact sender;
  Body body;

  bool is_request() const noexcept {
    return std::holds_alternative<Ping>(body) || std::holds_alternative<FindNode>(body);
  }
  friend bool operator==(const Message&, const Message&) = default;
};

}  // namespace kadenza::distributed::kademlia
