// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/random.hpp"
#include "middleware/endpoint.hpp"

namespace kadenza::middleware {

/// One node as a person knows it.
struct Server {
  Endpoint endpoint;
  std::string token;  ///< bearer token; empty: none
};

/// A node that may be asked, and how it has answered.
struct KnownNode {
  Endpoint endpoint;
  std::string token;       ///< of a log-in at this very node
  std::size_t origin = 0;  ///< the given node through which this one was met; itself if given
  std::optional<core::Duration> round_trip;  ///< smoothed
  unsigned failures = 0;                     ///< in a row
  core::Instant rest_until{};                ///< asked last until then, when it failed
};

/// Which nodes there are and whom to ask first. Pure: time and randomness come from its owner. A node keeps
/// its index for ever; nodes are added, never taken out. One owner, one thread.
class NodeBook {
 public:
  static constexpr std::size_t kNodesMax = 64;
  static constexpr core::Duration kFirstRest = std::chrono::seconds(1);
  static constexpr core::Duration kLongestRest = std::chrono::seconds(30);

  /// `given`: by the person, in the order in which to try them. `random` outlives the book.
  NodeBook(std::vector<Server> given, core::Random& random);

  const std::vector<KnownNode>& nodes() const noexcept { return nodes_; }
  const KnownNode& operator[](std::size_t index) const { return nodes_[index]; }
  std::size_t given() const noexcept { return given_; }
  std::optional<std::size_t> find(const Endpoint& endpoint) const;
  /// The token to show to this node: of its own log-in, else of the node through which it was met.
  const std::string& token_for(std::size_t index) const;
  bool has_own_token(std::size_t index) const { return !nodes_[index].token.empty(); }

  /// Takes over what node `teacher` says of its network: true when this is a new node. Never one without TLS
  /// from one with it, nor an address of this very machine from one on another. A given node without a
  /// log-in of its own is from then on shown that of the network it belongs to.
  bool learn(const Endpoint& endpoint, std::size_t teacher);
  void set_token(std::size_t index, std::string token) { nodes_[index].token = std::move(token); }

  /// Whom to ask, first to last: the one that answered last, unless another is twice as quick; the quickest;
  /// those of which nothing is known, as they were given; those that failed, longest ago first.
  std::vector<std::size_t> order(core::Instant now) const;
  bool rests(std::size_t index, core::Instant now) const;

  /// A request.
  void answered(std::size_t index);
  /// A probe: it is well.
  void measured(std::size_t index, core::Duration round_trip);
  /// Longer with each failure in a row, and never quite the same, so that many clients do not come at once.
  void failed(std::size_t index, core::Instant now);

 private:
  std::vector<KnownNode> nodes_;
  std::size_t given_;
  std::optional<std::size_t> last_;  ///< answered last
  core::Random& random_;
};

}  // namespace kadenza::middleware
