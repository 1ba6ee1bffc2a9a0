// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/random.hpp"
#include "distributed/kademlia/config.hpp"
#include "distributed/kademlia/limits.hpp"
#include "distributed/kademlia/lookup.hpp"
#include "distributed/kademlia/maintenance.hpp"
#include "distributed/kademlia/message.hpp"
#include "distributed/kademlia/outbox.hpp"
#include "distributed/kademlia/request_book.hpp"
#include "distributed/kademlia/routing_table.hpp"
#include "distributed/kademlia/second_chances.hpp"
#include "distributed/kademlia/size_estimate.hpp"

namespace kadenza::distributed::kademlia {

/// What happened so far, for metrics. Messages only; bytes are the driver's.
struct Counters {
  std::uint64_t requests_sent = 0;
  std::uint64_t repetitions_sent = 0;
  std::uint64_t requests_received = 0;
  std::uint64_t replies_sent = 0;
  std::uint64_t replies_accepted = 0;
  std::uint64_t replies_unexpected = 0;  ///< no such request, another endpoint, another kind or another node
  std::uint64_t requests_failed = 0;
  std::uint64_t requests_over_rate = 0;  ///< not answered because their source asks too often
  std::uint64_t lookups_started = 0;
  std::uint64_t lookups_finished = 0;
  std::uint64_t lookups_refused = 0;
};

/// How long replies took, counted by size.
struct RoundTrips {
  static constexpr std::array<Duration, 14> kBounds{100us, 250us, 500us, 1ms,   2500us, 5ms, 10ms,
                                                    25ms,  50ms,  100ms, 250ms, 500ms,  1s,  2500ms};
  std::array<std::uint64_t, kBounds.size() + 1> counts{};  ///< of those up to each bound; the last: longer
  Duration total{};

  void add(Duration rtt) noexcept {
    ++counts[static_cast<std::size_t>(std::ranges::lower_bound(kBounds, rtt) - kBounds.begin())];
    total += rtt;
  }
};

/// A Kademlia node without its world: events go in, effects come out into an Outbox. It has no clock, no
/// socket, no thread and no lock; time and randomness are given to it. The same object runs behind a socket
/// and in the simulator. One owner, one thread at a time. Memory is bounded by Config whatever is received.
///
/// `config` and `random` must outlive the node. Calls with an earlier `now` than a previous one are allowed
/// and treated as that one.
class KademliaNode {
 public:
  /// `self.endpoint`: where others shall reach it; unspecified = wherever its datagrams come from.
  KademliaNode(const Contact& self, const Config& config, core::Random& random);

  /// Begins to look for others: first `saved` contacts, then `seeds` (endpoints whose ids are unknown), again
  /// and again with back-off until somebody answers, and whenever nobody is left. May be called once.
  /// A first node has neither and simply waits.
  void bootstrap(std::span<const Contact> saved, std::span<const Endpoint> seeds, Instant now,
                 Outbox& outbox);

  /// A message that came from `from`. Anything a stranger may send is allowed.
  void receive(const Endpoint& from, const Message& message, Instant now, Outbox& outbox);

  /// The machine says that nobody listens at `to` (ICMP port unreachable): fails what waits for it at once.
  void unreachable(const Endpoint& to, Instant now, Outbox& outbox);

  /// Does what is due. To be called at next_wakeup(), or later; calling it more often is harmless.
  void tick(Instant now, Outbox& outbox);

  /// When tick() has something to do next. Always later than the last tick's `now`. Instant::max() = never.
  Instant next_wakeup() const;

  /// Begins a lookup; its result appears in an Outbox later, or in this one already when nobody can be asked.
  /// Nothing when too many are under way.
  std::optional<LookupId> start(const Key& target, const LookupGoal& goal, Instant now, Outbox& outbox);

  /// Forgets a lookup; no result will appear. Unknown or finished ones are ignored.
  void cancel(LookupId id);

  const Contact& self() const noexcept { return self_; }
  const RoutingTable& table() const noexcept { return table_; }
  const Counters& counters() const noexcept { return counters_; }
  const RoundTrips& round_trips() const noexcept { return round_trips_; }
  /// Nodes in the network, this one included.
  double network_size() const { return size_.nodes(table_); }
  /// Nothing was heard although several different nodes were asked: probably our own link is down.
  bool link_suspected() const noexcept { return maintenance_.link_suspected(); }
  /// Somebody answered, and the lookup for our own neighbourhood has finished at least once.
  bool joined() const noexcept { return maintenance_.joined(); }
  std::size_t lookups_under_way() const noexcept { return lookups_.size(); }
  std::size_t requests_waiting() const noexcept { return book_.size(); }

 private:
  struct Running {
    LookupId id;
    bool internal;  ///< maintenance's own: its result is not reported
    std::unique_ptr<Lookup> lookup;
  };

  void on_request(const Endpoint& from, const Message& message, Outbox& outbox);
  void on_reply(const Endpoint& from, const Message& message, Outbox& outbox);
  void on_proof_of_life(const Contact& contact, std::optional<Duration> rtt);
  void on_hearsay(const Contact& contact);
  void on_soft_timeout(RequestBook::Slot slot, Outbox& outbox);
  /// `certain`: not silence, but news that this node is not there.
  void fail_request(RequestBook::Slot slot, bool certain, Outbox& outbox);
  /// `certain`: it is this contact's fault, not that of our own link.
  void blame(const Contact& contact, bool certain, Outbox& outbox);

  bool send_request(Request request, Outbox& outbox);
  void emit(const Request& request, std::uint8_t attempt, Outbox& outbox) const;
  void probe(const Contact& contact, Outbox& outbox);
  struct TimeOuts {
    Duration soft, hard;
  };
  /// From its own round trips; those of a stranger from everybody's.
  TimeOuts time_outs_for(const Contact& contact) const;

  void maintain(Outbox& outbox);
  void look_for_anyone(Outbox& outbox);
  void try_candidate(Outbox& outbox);
  void refresh_contact(Outbox& outbox);
  void refresh_region(Outbox& outbox);
  void give_second_chances(Outbox& outbox);

  LookupId begin_lookup(const Key& target, const LookupGoal& goal, bool internal, Outbox& outbox);
  void advance(std::size_t index, Outbox& outbox);
  void finish(std::size_t index, Outbox& outbox);
  std::size_t find_lookup(LookupId id) const noexcept;

  Contact self_;
  const Config& config_;
  core::Random& random_;
  Instant now_ = Instant::min();
  RoutingTable table_;
  RequestBook book_;
  RateLimiter limiter_;
  Maintenance maintenance_;
  RecentlyDead dead_;
  SecondChances second_chances_;
  SizeEstimate size_;
  RttEstimate network_rtt_;  ///< over all replies: what to expect of a node that never answered us
  Counters counters_;
  RoundTrips round_trips_;
  std::vector<Running> lookups_;
  std::uint64_t last_lookup_ = 0;
};

}  // namespace kadenza::distributed::kademlia
