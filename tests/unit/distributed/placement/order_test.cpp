// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/placement/order.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <unordered_set>
#include <vector>

#include <gtest/gtest.h>

#include "core/random.hpp"
#include "core/sha256.hpp"
#include "distributed/kademlia/distance.hpp"

namespace kadenza::distributed::placement {
namespace {

using kademlia::Contact;

std::vector<Contact> members(std::size_t count, std::uint64_t seed,
                             const std::vector<std::uint8_t>& classes = {8}) {
  core::SeededRandom random(seed);
  std::vector<Contact> result;
  for (std::size_t i = 0; i < count; ++i) {
    result.push_back({kademlia::random_key(random), kademlia::Endpoint::v4(0x0a000001, 4748),
                      classes[i % classes.size()]});
  }
  return result;
}

Partition partition(std::uint32_t number) {
  return partition_of(core::SongId{core::sha256(std::to_string(number)).bytes}, 16);
}

TEST(Partition, KeepsTheFirstBitsOnly) {
  core::SongId id;
  id.bytes.fill(0xff);
  const auto twelve = partition_of(id, 12);
  EXPECT_EQ(twelve.key.bytes[0], 0xff);
  EXPECT_EQ(twelve.key.bytes[1], 0xf0);
  EXPECT_EQ(twelve.key.bytes[2], 0);
  EXPECT_EQ(partition_of(id, 0).key, kademlia::Key{});
  EXPECT_NE(partition_of_shard(1).key, partition_of_shard(2).key);
}

TEST(Partition, KeysThatEndInZerosHashApart) {
  std::unordered_set<std::size_t> hashes;
  for (std::uint32_t number = 0; number < 1000; ++number) {
    hashes.insert(std::hash<kademlia::Key>()(partition(number).key));
  }
  EXPECT_GT(hashes.size(), 980u);  // two of a thousand may be one partition
}

TEST(Order, IsTheSameForAllWhoKnowTheSameMembers) {
  auto known = members(30, 1);
  const auto first = order(partition(1), known, 40);
  std::ranges::reverse(known);
  EXPECT_EQ(order(partition(1), known, 40), first);
  EXPECT_EQ(first.size(), 30u);
}

/// Written down so that no machine and no later version computes anything else: the order is a protocol.
TEST(Order, IsFixedForEver) {
  core::NodeId id{core::sha256("a node").bytes};
  EXPECT_EQ(reluctance(id, 1, partition(7)), 15199468262360850u);
  EXPECT_EQ(reluctance(id, 9, partition(7)), 59372922899847u);
}

TEST(Order, TakesTheCandidatesNearestToThePartition) {
  const auto known = members(200, 2);
  const auto chosen = order(partition(3), known, 40);
  ASSERT_EQ(chosen.size(), 40u);
  const auto distance_of = [](const Contact& contact) {
    return kademlia::distance(contact.id, partition(3).key);
  };
  const auto farthest = std::ranges::max(chosen, {}, distance_of);
  const auto nearer = std::ranges::count_if(
      known, [&](const Contact& contact) { return distance_of(contact) <= distance_of(farthest); });
  EXPECT_EQ(nearer, 40);
}

TEST(Order, AMemberThatLeavesChangesNobodyElsesRank) {
  auto known = members(20, 3);
  auto before = order(partition(4), known, 40);
  const auto gone = before[5].id;
  std::erase_if(known, [&](const Contact& contact) { return contact.id == gone; });
  before.erase(before.begin() + 5);
  EXPECT_EQ(order(partition(4), known, 40), before);
}

TEST(Order, LeavesOutMembersThatStoreNothing) {
  auto known = members(3, 4);
  known[1].capacity_class = 0;
  EXPECT_EQ(order(partition(5), known, 40).size(), 2u);
  EXPECT_TRUE(order(partition(5), {}, 40).empty());
}

TEST(Order, SharesPartitionsByCapacity) {
  const auto known = members(21, 5, {8, 9, 10});
  std::map<std::uint8_t, double> held;
  constexpr int kPartitions = 20'000;
  for (int number = 0; number < kPartitions; ++number) {
    const auto holders = order(partition(static_cast<std::uint32_t>(number)), known, 40);
    for (int rank = 0; rank < 3; ++rank) held[holders[static_cast<std::size_t>(rank)].capacity_class] += 1;
  }
  const double whole = 3.0 * kPartitions;
  EXPECT_NEAR(held[8] / whole, 1.0 / 7, 0.1 / 7);
  EXPECT_NEAR(held[9] / whole, 2.0 / 7, 0.2 / 7);
  EXPECT_NEAR(held[10] / whole, 4.0 / 7, 0.4 / 7);
}

}  // namespace
}  // namespace kadenza::distributed::placement
