// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/network_view.hpp"

#include <gtest/gtest.h>

#include "distributed/kademlia/contact.hpp"

namespace kadenza::distributed {
namespace {

using namespace std::chrono_literals;
using core::LookupHop;
using core::NetworkContact;
using Seen = rpc::NetworkSnapshot;

kademlia::Contact contact(std::uint8_t first_byte) {
  kademlia::Contact made;
  made.id.bytes[0] = first_byte;
  made.endpoint = kademlia::Endpoint::v4(0x7f000001, first_byte);
  made.capacity_class = 3;
  return made;
}

TEST(CapacityClass, GrowsWithEachDoublingWithinItsBounds) {
  constexpr std::uint64_t kGiB = 1ULL << 30U;
  EXPECT_EQ(kademlia::capacity_class(0), 1);
  EXPECT_EQ(kademlia::capacity_class(2 * kGiB - 1), 1);
  EXPECT_EQ(kademlia::capacity_class(2 * kGiB), 2);
  EXPECT_EQ(kademlia::capacity_class(256 * kGiB), 9);
  EXPECT_EQ(kademlia::capacity_class(1024 * kGiB), 11);
  EXPECT_EQ(kademlia::capacity_class(32 * 1024 * kGiB), 16);
  EXPECT_EQ(kademlia::capacity_class(UINT64_MAX), 16);
}

TEST(NetworkView, SaysWhoLivesAndWhoDoesNot) {
  Seen seen;
  seen.self = contact(9);
  Seen::BucketView bucket;
  bucket.contacts = {{contact(1), 2ms, 5s, Seen::ContactState::kGood},
                     {contact(2), 3ms, 1s, Seen::ContactState::kFailing},
                     {contact(3), 3ms, 1s, Seen::ContactState::kDead}};
  bucket.replacements = {{contact(4), 0ms, 1s, Seen::ContactState::kGood}};
  seen.buckets.push_back(bucket);
  const auto shown = in_words_of_core(seen);
  const auto& contacts = shown.buckets.at(0).contacts;
  EXPECT_EQ(contacts.at(0).state, NetworkContact::State::kLive);
  EXPECT_EQ(contacts.at(0).round_trip, 2ms);
  EXPECT_EQ(contacts.at(0).heard_ago, 5s);
  EXPECT_EQ(contacts.at(0).endpoint, "127.0.0.1:1");
  EXPECT_EQ(contacts.at(1).state, NetworkContact::State::kSuspected);
  EXPECT_FALSE(contacts.at(1).heard_ago);
  EXPECT_EQ(contacts.at(2).state, NetworkContact::State::kDead);
  EXPECT_EQ(shown.buckets.at(0).candidates.at(0).state, NetworkContact::State::kCandidate);
  EXPECT_FALSE(shown.buckets.at(0).candidates.at(0).round_trip);
}

TEST(NetworkView, RoundTripsAddUp) {
  Seen seen;
  for (const core::Duration rtt :
       {core::Duration(50us), core::Duration(100us), core::Duration(3ms), core::Duration(9s)})
    seen.round_trips.add(rtt);
  const auto trips = in_words_of_core(seen).round_trips;
  EXPECT_EQ(trips.count, 4U);
  EXPECT_EQ(trips.total, 9s + 3ms + 150us);
  EXPECT_EQ(trips.at_most.front(), (std::pair<core::Duration, std::uint64_t>(100us, 2)));
  EXPECT_EQ(trips.at_most.back(), (std::pair<core::Duration, std::uint64_t>(2500ms, 3)));
}

TEST(NetworkView, EveryReasonOfARefusalHasItsName) {
  rpc::RefusalCounters refusals;
  refusals.add(rpc::Refusal::kPlainText);
  refusals.add(rpc::Refusal::kProtocol);
  const auto shown = in_words_of_core(refusals.snapshot());
  ASSERT_EQ(shown.size(), rpc::kRefusals);
  EXPECT_EQ(shown.front(), (std::pair<std::string, std::uint64_t>("plain_text", 1)));
  EXPECT_EQ(shown.back(), (std::pair<std::string, std::uint64_t>("protocol", 1)));
}

TEST(NetworkView, ALookupTellsItsWay) {
  using State = kademlia::Hop::State;
  const auto self = contact(8).id;  // the key is 0: the smaller an id, the nearer
  kademlia::LookupResult found;
  found.contacts.push_back(contact(1));
  found.contacts.push_back(contact(16));
  found.took = 7ms;
  found.path = {{contact(16), self, 1, State::kReplied, 0ms, 2ms, 20, 20},
                {contact(1), contact(16).id, 2, State::kReplied, 2ms, 3ms, 20, 0},
                {contact(2), contact(16).id, 2, State::kFailed, 2ms, 5ms, 0, 0},
                {contact(3), contact(16).id, 2, State::kSlow, 2ms, 0ms, 0, 0},
                {contact(4), contact(16).id, 2, State::kWaiting, 2ms, 0ms, 0, 0}};
  const auto trace = in_words_of_core(found, self);
  EXPECT_EQ(trace.took, 7ms);
  EXPECT_EQ(trace.nearer_than_self, 1U);
  EXPECT_EQ(trace.nearest.at(0).id, contact(1).id);
  EXPECT_EQ(trace.nearest.at(0).round_trip, 3ms);
  EXPECT_FALSE(trace.hops.at(0).told_by);
  EXPECT_EQ(trace.hops.at(0).shared_bits, 3U);
  EXPECT_EQ(trace.hops.at(1).told_by, contact(16).id);
  EXPECT_EQ(trace.hops.at(1).state, LookupHop::State::kAnswered);
  EXPECT_EQ(trace.hops.at(2).state, LookupHop::State::kFailed);
  EXPECT_FALSE(trace.hops.at(2).took);
  EXPECT_EQ(trace.hops.at(3).state, LookupHop::State::kLate);
  EXPECT_EQ(trace.hops.at(4).state, LookupHop::State::kNotNeeded);
}

}  // namespace
}  // namespace kadenza::distributed
