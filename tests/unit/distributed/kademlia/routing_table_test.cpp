// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/kademlia/routing_table.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "support.hpp"

namespace kadenza::distributed::kademlia {
namespace {

using testing::contact_of;
using testing::id_of;

using Admission = RoutingTable::Admission;

class RoutingTableTest : public ::testing::Test {
 protected:
  void fill_far_bucket() {
    for (std::uint64_t i = 0; i < config_.bucket_size; ++i) {
      ASSERT_EQ(table_.on_reply(far(i), 10ms, Instant(1s)), Admission::kAdded);
    }
    ASSERT_EQ(table_.on_reply(contact_of(1, 999), 10ms, Instant(1s)), Admission::kAdded);  // splits
    ASSERT_EQ(table_.buckets().size(), 2u);
  }
  static Contact far(std::uint64_t i) {
    return contact_of(0x8000'0000'0000'0000 + i, static_cast<std::uint16_t>(1000 + i));
  }

  Config config_;
  RoutingTable table_{id_of(0), config_};
};

TEST_F(RoutingTableTest, OnlyAReplyMakesAContactLive) {
  EXPECT_TRUE(table_.on_heard(far(1), Instant(0s)));
  table_.on_request(far(1), Instant(0s));
  EXPECT_EQ(table_.size(), 0u);
  EXPECT_EQ(table_.on_reply(far(1), 10ms, Instant(0s)), Admission::kAdded);
  EXPECT_EQ(table_.size(), 1u);
  table_.check_invariants();
}

TEST_F(RoutingTableTest, RefusesItselfListenersAndUnreachableAddresses) {
  EXPECT_EQ(table_.on_reply(contact_of(0, 1), 1ms, Instant(0s)), Admission::kRefused);
  EXPECT_EQ(table_.on_reply(contact_of(id_of(5), 1, 0), 1ms, Instant(0s)), Admission::kRefused);
  EXPECT_EQ(table_.on_reply(contact_of(id_of(5), 0), 1ms, Instant(0s)), Admission::kRefused);
  EXPECT_FALSE(table_.on_heard(contact_of(id_of(5), 1, 0), Instant(0s)));
  EXPECT_EQ(table_.size(), 0u);
}

TEST_F(RoutingTableTest, AnotherAddressIsIgnoredWhileTheKnownOneAnswers) {
  table_.on_reply(far(1), 10ms, Instant(0s));
  Contact moved = far(1);
  moved.endpoint.port = 7;
  EXPECT_EQ(table_.on_reply(moved, 10ms, Instant(1s)), Admission::kRefused);
  EXPECT_EQ(table_.find(moved.id)->contact.endpoint, far(1).endpoint);
  table_.on_failure(moved.id, far(1).endpoint, Instant(2s), true);
  table_.on_failure(moved.id, far(1).endpoint, Instant(3s), true);
  EXPECT_EQ(table_.on_reply(moved, 10ms, Instant(4s)), Admission::kUpdated);
  EXPECT_EQ(table_.find(moved.id)->contact.endpoint, moved.endpoint);
}

TEST_F(RoutingTableTest, OneFailureHidesNobodyAndTheWrongEndpointBlamesNobody) {
  table_.on_reply(far(1), 10ms, Instant(0s));
  ContactArray<20> found;
  const auto visible = [&] {
    table_.nearest(far(1).id, 20, NodeId{}, found);
    return found.size() == 1;
  };
  table_.on_failure(far(1).id, Endpoint::v4(1, 1), Instant(1s), true);
  EXPECT_EQ(table_.find(far(1).id)->failures, 0);
  table_.on_failure(far(1).id, far(1).endpoint, Instant(1s), true);
  EXPECT_TRUE(visible());
  table_.on_failure(far(1).id, far(1).endpoint, Instant(2s), false);
  EXPECT_TRUE(visible()) << "our own link may be down";
  table_.on_failure(far(1).id, far(1).endpoint, Instant(2s), true);
  EXPECT_FALSE(visible());
  table_.on_reply(far(1), 10ms, Instant(3s));
  EXPECT_TRUE(visible());
}

TEST_F(RoutingTableTest, FullBucketKeepsGoodContactsAndReplacesDeadOnes) {
  fill_far_bucket();
  EXPECT_EQ(table_.on_reply(far(100), 10ms, Instant(2s)), Admission::kCached);
  table_.on_failure(far(3).id, far(3).endpoint, Instant(3s), true);
  table_.on_failure(far(3).id, far(3).endpoint, Instant(3s), true);
  const auto candidate = table_.take_candidate();
  ASSERT_TRUE(candidate);
  EXPECT_EQ(candidate->id, far(100).id);
  EXPECT_EQ(table_.on_reply(far(100), 10ms, Instant(4s)), Admission::kReplaced);
  EXPECT_EQ(table_.find(far(3).id), nullptr);
  table_.check_invariants();
}

TEST_F(RoutingTableTest, ANearContactReplacesOnlyOneMoreThanTwiceAsFar) {
  fill_far_bucket();
  EXPECT_EQ(table_.on_reply(far(100), 5ms, Instant(2s)), Admission::kCached);
  EXPECT_EQ(table_.on_reply(far(101), 4ms, Instant(2s)), Admission::kReplaced);
  EXPECT_NE(table_.find(far(101).id), nullptr);
  table_.check_invariants();
}

TEST_F(RoutingTableTest, ANodesWordAboutItselfBeatsHearsay) {
  Contact contact = far(1);
  contact.capacity_class = 4;
  table_.on_reply(contact, 10ms, Instant(0s));
  contact.capacity_class = 9;
  table_.on_heard(contact, Instant(1s));
  EXPECT_EQ(table_.find(contact.id)->contact.capacity_class, 4);
  table_.on_request(contact, Instant(2s));
  EXPECT_EQ(table_.find(contact.id)->contact.capacity_class, 9);
  contact.capacity_class = 0;
  table_.on_request(contact, Instant(3s));
  EXPECT_EQ(table_.find(contact.id), nullptr) << "it became a listener";
}

TEST_F(RoutingTableTest, HearsayIsBounded) {
  core::SeededRandom random(1);
  fill_far_bucket();
  for (int i = 0; i < 10'000; ++i) table_.on_heard(contact_of(random_key(random), 1), Instant(Duration(i)));
  std::size_t cached = 0;
  for (const Bucket& bucket : table_.buckets()) cached += bucket.cache.size();
  EXPECT_LE(cached, config_.cache_size * table_.buckets().size());
  EXPECT_EQ(table_.size(), config_.bucket_size + 1);
}

TEST_F(RoutingTableTest, ADeadContactWithoutReplacementIsForgottenInTheEnd) {
  table_.on_reply(far(1), 10ms, Instant(0s));
  for (int i = 0; i < 19; ++i) table_.on_failure(far(1).id, far(1).endpoint, Instant(1s), true);
  EXPECT_EQ(table_.size(), 1u);
  table_.on_failure(far(1).id, far(1).endpoint, Instant(1s), true);
  EXPECT_EQ(table_.size(), 0u);
}

class ExactNearest : public ::testing::TestWithParam<int> {};

TEST_P(ExactNearest, AgreesWithSortingTheWholeTable) {
  core::SeededRandom random(static_cast<std::uint64_t>(GetParam()));
  const Config config;
  const NodeId self = random_key(random);
  RoutingTable table(self, config);
  const int count = static_cast<int>(random.below(600));
  const int crowded = GetParam() % 4;  // 0: random ids; others: more and more of them near the node
  std::vector<Contact> all;
  for (int i = 0; i < count; ++i) {
    const int bits = crowded == 0 ? 0 : static_cast<int>(random.below(crowded == 3 ? 250 : 12 * crowded));
    const NodeId id =
        crowded == 0 || random.below(4) == 0 ? random_key(random) : random_key_at(self, bits, random);
    const Contact contact = contact_of(id, static_cast<std::uint16_t>(1 + i));
    table.on_reply(contact, Duration(1 + random.below(1'000'000)), Instant(Duration(i)));
    if (random.below(10) == 0) {
      for (int j = 0; j < 2; ++j) table.on_failure(contact.id, contact.endpoint, Instant(Duration(i)), true);
    }
  }
  table.check_invariants();
  for (const Bucket& bucket : table.buckets()) {
    for (const Entry& entry : bucket.live) {
      if (!entry.excluded()) all.push_back(entry.contact);
    }
  }
  for (int query = 0; query < 200; ++query) {
    const Key target = query % 3 == 0   ? random_key(random)
                       : query % 3 == 1 ? random_key_at(self, static_cast<int>(random.below(256)), random)
                                        : (all.empty() ? self : all[random.below(all.size())].id);
    const std::size_t n = 1 + random.below(kLookupNodesMax);
    const NodeId except = all.empty() ? self : all[random.below(all.size())].id;
    std::vector<Contact> expected = all;
    std::erase_if(expected, [&](const Contact& contact) { return contact.id == except; });
    std::sort(expected.begin(), expected.end(), [&](const Contact& a, const Contact& b) {
      return distance(target, a.id) < distance(target, b.id);
    });
    expected.resize(std::min(expected.size(), n));
    ContactArray<kLookupNodesMax> found;
    table.nearest(target, n, except, found);
    ASSERT_TRUE(std::equal(found.begin(), found.end(), expected.begin(), expected.end()))
        << "query " << query << " of " << all.size() << " contacts";
  }
}

INSTANTIATE_TEST_SUITE_P(RandomAndCrowdedTables, ExactNearest, ::testing::Range(0, 60));

}  // namespace
}  // namespace kadenza::distributed::kademlia
