// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "distributed/kademlia/config.hpp"
#include "distributed/kademlia/outbox.hpp"

namespace kadenza::distributed::kademlia {

/// One search for the nodes nearest to a key. It decides whom to ask next; asking is its owner's work. Always
/// asks the nearest candidates not asked yet, α of them at once; a slow one frees its place although its late
/// reply still counts; once the nearest have answered, all that remain to be confirmed are asked together. An
/// answer holds 20 contacts, and some of these may be dead or 40 be wanted: the nearest that answered are
/// asked for what lies behind their answers until these reach as far as the result. Bounded: the farthest
/// candidates are forgotten. Owned by KademliaNode.
class Lookup {
 public:
  /// `far`: answers take this node long, because of where it is or of its line. Its reads ask more at once,
  /// so that the tail of all reads is shorter; there are few such nodes, so the network has little more to
  /// carry.
  Lookup(const NodeId& self, const Key& target, const LookupGoal& goal, Instant now, bool far = false);

  /// A candidate from our own table.
  void add_known(const Contact& contact) { offer(contact, 1, self_); }

  /// The next question, marked as asked; nothing = none now.
  struct Question {
    Contact to;
    Distance from;  ///< see FindNode
  };
  std::optional<Question> next(const Config& config, Instant now);

  /// `horizon`: how far the answer reaches: no node nearer than this was left out for lack of room.
  void on_nodes(const NodeId& from, std::span<const Contact> contacts, const Distance& horizon, Instant now);
  void on_slow(const NodeId& id);
  void on_failure(const NodeId& id, Instant now);

  bool done() const;
  /// What was found; `id` is left to the owner. To be called once.
  void finish(Instant now, LookupResult& result);

  const Key& target() const noexcept { return target_; }
  const LookupGoal& goal() const noexcept { return goal_; }
  void count_sent() noexcept { ++sent_; }

 private:
  enum class State : std::uint8_t { kNew, kWaiting, kSlow, kReplied, kFailed };
  struct Candidate {
    Distance distance;
    Distance horizon;  ///< of its answers so far
    Contact contact;
    State state = State::kNew;
    bool asked_further = false;  ///< has answered, and waits for what lies behind that
    std::uint8_t depth = 0;
    Instant asked{};
    Duration took{};             ///< until it answered for the first time
    std::uint16_t hop = kNoHop;  ///< its place in path_, once asked
  };
  static constexpr std::uint16_t kNoHop = UINT16_MAX;
  using Index = std::uint8_t;  ///< into candidates_

  /// What stands among the nearest `count` candidates that did not fail, and behind them among as many more
  /// as are slow: these are asked at once, because waiting for the slow ones to fail would take one time-out
  /// after the other.
  struct Head {
    const Index* unasked = nullptr;  ///< the nearest one
    int open = 0;                    ///< of the nearest `count`: those whose answer is still missing
    int waiting = 0;
    int slow = 0;
    int replied = 0;
    int leading_replies = 0;         ///< before the first that neither replied nor is slow
    Distance end = Distance::max();  ///< of the last one, if there are `count`
  };
  Head head() const;
  /// How many may be asked at once.
  int parallel(const Head& head, const Config& config) const;
  bool enough(const Head& head) const;
  /// A question to one of the nearest that answered, if the result reaches farther than its answers.
  std::optional<Question> ask_further(const Head& head);
  bool waits_for_more() const;

  bool offer(const Contact& contact, std::uint8_t depth, const NodeId& told_by);
  Candidate* find(const NodeId& id);
  std::size_t candidates_max() const { return std::size_t{goal_.count} * 2 + 24; }
  void trace_end(const Candidate& candidate, Hop::State state, Instant now);

  NodeId self_;
  Key target_;
  LookupGoal goal_;
  Instant started_;
  bool far_;
  std::vector<Candidate> candidates_;
  std::vector<Index> order_;  ///< nearest first
  std::uint16_t asked_ = 0;
  int asked_further_ = 0;
  std::uint16_t sent_ = 0;
  std::uint16_t failed_ = 0;
  std::vector<NodeId> told_by_;  ///< beside candidates_; traced lookups only
  std::vector<Hop> path_;
};

}  // namespace kadenza::distributed::kademlia
