// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/network_view.hpp"

#include <algorithm>
#include <iterator>

namespace kadenza::distributed {
namespace {

using core::LookupHop;
using core::NetworkContact;
using rpc::NetworkSnapshot;

NetworkContact seen_as(const NetworkSnapshot::ContactView& view, NetworkContact::State state) {
  NetworkContact contact{.id = view.contact.id,
                         .endpoint = view.contact.endpoint.text(),
                         .capacity_class = view.contact.capacity_class,
                         .state = state,
                         .round_trip = std::nullopt,
                         .heard_ago = std::nullopt};
  if (view.rtt > core::Duration::zero()) contact.round_trip = view.rtt;
  if (state == NetworkContact::State::kLive) contact.heard_ago = view.checked_ago;
  return contact;
}

NetworkContact live_or_not(const NetworkSnapshot::ContactView& view) {
  using State = NetworkSnapshot::ContactState;
  switch (view.state) {
    case State::kGood:
      return seen_as(view, NetworkContact::State::kLive);
    case State::kFailing:
      return seen_as(view, NetworkContact::State::kSuspected);
    case State::kDead:
      break;
  }
  return seen_as(view, NetworkContact::State::kDead);
}

NetworkContact candidate(const NetworkSnapshot::ContactView& view) {
  return seen_as(view, NetworkContact::State::kCandidate);
}

std::vector<std::pair<std::string, std::uint64_t>> traffic_of(const NetworkSnapshot& seen) {
  const rpc::WireCounters& wire = seen.wire;
  const kademlia::Counters& messages = seen.messages;
  return {{"datagrams_in", wire.datagrams_in},
          {"bytes_in", wire.bytes_in},
          {"datagrams_out", wire.datagrams_out},
          {"bytes_out", wire.bytes_out},
          {"not_sent", wire.not_sent},
          {"dropped_size", wire.dropped_size},
          {"dropped_header", wire.dropped_header},
          {"dropped_unknown_key", wire.dropped_unknown_key},
          {"dropped_not_authentic", wire.dropped_not_authentic},
          {"dropped_malformed", wire.dropped_malformed},
          {"dropped_over_rate", messages.requests_over_rate},
          {"dropped_unexpected_reply", messages.replies_unexpected},
          {"requests_sent", messages.requests_sent},
          {"requests_repeated", messages.repetitions_sent},
          {"requests_received", messages.requests_received},
          {"requests_failed", messages.requests_failed},
          {"replies_sent", messages.replies_sent},
          {"replies_received", messages.replies_accepted},
          {"lookups_started", messages.lookups_started},
          {"lookups_finished", messages.lookups_finished},
          {"lookups_refused", messages.lookups_refused}};
}

core::RoundTrips round_trips_of(const kademlia::RoundTrips& measured) {
  core::RoundTrips trips{.at_most = {}, .count = 0, .total = measured.total};
  for (std::size_t i = 0; i < measured.counts.size(); ++i) {
    trips.count += measured.counts[i];
    if (i < kademlia::RoundTrips::kBounds.size())
      trips.at_most.emplace_back(kademlia::RoundTrips::kBounds[i], trips.count);
  }
  return trips;
}

LookupHop hop_of(const kademlia::Hop& hop, const core::NodeId& self, const kademlia::Key& key) {
  using State = kademlia::Hop::State;
  LookupHop shown;
  shown.id = hop.contact.id;
  shown.endpoint = hop.contact.endpoint.text();
  shown.hop = hop.depth;
  if (hop.told_by != self) shown.told_by = hop.told_by;
  shown.shared_bits = static_cast<unsigned>(kademlia::distance(hop.contact.id, key).leading_zeros());
  shown.asked_after = hop.asked_after;
  switch (hop.state) {
    case State::kReplied:
      shown.state = LookupHop::State::kAnswered;
      shown.took = hop.took;
      break;
    case State::kSlow:
      shown.state = LookupHop::State::kLate;
      break;
    case State::kFailed:
      shown.state = LookupHop::State::kFailed;
      break;
    case State::kWaiting:
      shown.state = LookupHop::State::kNotNeeded;
      break;
  }
  return shown;
}

}  // namespace

core::NetworkSnapshot in_words_of_core(const NetworkSnapshot& seen) {
  core::NetworkSnapshot shown;
  shown.self = seen.self.id;
  shown.endpoint = seen.self.endpoint.text();
  shown.estimated_nodes = seen.size_estimate;
  shown.joined = seen.joined;
  shown.link_suspected = seen.link_suspected;
  shown.traffic = traffic_of(seen);
  shown.round_trips = round_trips_of(seen.round_trips);
  for (const auto& bucket : seen.buckets) {
    auto& into = shown.buckets.emplace_back();
    into.shared_bits = static_cast<unsigned>(bucket.shared_bits);
    std::ranges::transform(bucket.contacts, std::back_inserter(into.contacts), live_or_not);
    std::ranges::transform(bucket.replacements, std::back_inserter(into.candidates), candidate);
  }
  return shown;
}

core::LookupTrace in_words_of_core(const kademlia::LookupResult& found, const core::NodeId& self) {
  core::LookupTrace trace;
  trace.key = found.target;
  trace.took = found.took;
  const auto own = kademlia::distance(self, found.target);
  for (const kademlia::Hop& hop : found.path) trace.hops.push_back(hop_of(hop, self, found.target));
  for (const kademlia::Contact& contact : found.contacts) {
    NetworkContact near{.id = contact.id,
                        .endpoint = contact.endpoint.text(),
                        .capacity_class = contact.capacity_class,
                        .state = NetworkContact::State::kLive,
                        .round_trip = std::nullopt,
                        .heard_ago = std::nullopt};
    const auto asked = std::ranges::find(trace.hops, contact.id, &LookupHop::id);
    if (asked != trace.hops.end()) near.round_trip = asked->took;
    if (kademlia::distance(contact.id, found.target) < own) ++trace.nearer_than_self;
    trace.nearest.push_back(std::move(near));
  }
  return trace;
}

std::vector<std::pair<std::string, std::uint64_t>> in_words_of_core(
    const rpc::RefusalCounters::Snapshot& refusals) {
  std::vector<std::pair<std::string, std::uint64_t>> named;
  for (std::size_t i = 0; i < refusals.size(); ++i) {
    named.emplace_back(rpc::to_string(static_cast<rpc::Refusal>(i)), refusals[i]);
  }
  return named;
}

core::Task<core::Result<core::NetworkSnapshot>> NetworkView::snapshot(core::Deadline) {
  const NetworkSnapshot seen = co_await driver_->snapshot();
  auto snapshot = in_words_of_core(seen);
  snapshot.members = above_.members();
  snapshot.refused = in_words_of_core(above_.refusals());
  snapshot.repair = above_.repair();
  snapshot.settings = above_.settings;
  co_return snapshot;
}

core::Task<core::Result<core::LookupTrace>> NetworkView::lookup(core::NodeId key, core::Deadline deadline) {
  auto goal = kademlia::LookupGoal::nearest();
  goal.trace = true;
  KADENZA_CO_TRY(const kademlia::LookupResult found, co_await driver_->lookup(key, goal, deadline));
  co_return in_words_of_core(found, driver_->id());
}

}  // namespace kadenza::distributed
