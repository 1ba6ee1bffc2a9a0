// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/kademlia/size_estimate.hpp"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "support.hpp"

namespace kadenza::distributed::kademlia {
namespace {

TEST(SizeEstimate, CountsWhileEverybodyFitsTheTable) {
  const Config config;
  RoutingTable table(testing::id_of(0), config);
  const SizeEstimate estimate;
  EXPECT_EQ(estimate.nodes(table), 1);
  for (std::uint64_t i = 1; i <= 15; ++i) table.on_reply(testing::contact_of(i << 40, 9), 1ms, Instant(0s));
  EXPECT_EQ(estimate.nodes(table), 16);
}

TEST(SizeEstimate, FindsTheSizeFromTheNearestOfSomePoints) {
  core::SeededRandom random(5);
  const Config config;
  for (const std::size_t nodes : {200u, 10'000u}) {
    std::vector<Contact> all;
    for (std::size_t i = 0; i < nodes; ++i) all.push_back(testing::contact_of(random_key(random), 1));
    RoutingTable table(random_key(random), config);
    for (const Contact& contact : all) table.on_reply(contact, 1ms, Instant(0s));
    SizeEstimate estimate;
    EXPECT_NEAR(estimate.nodes(table), static_cast<double>(nodes), 0.7 * static_cast<double>(nodes));
    for (int i = 0; i < 40; ++i) {
      const Key target = random_key(random);
      std::partial_sort(all.begin(), all.begin() + 20, all.end(), [&](const Contact& a, const Contact& b) {
        return distance(target, a.id) < distance(target, b.id);
      });
      estimate.observe(target, std::span(all).first(20));
    }
    EXPECT_NEAR(estimate.nodes(table), static_cast<double>(nodes), 0.2 * static_cast<double>(nodes));
  }
}

}  // namespace
}  // namespace kadenza::distributed::kademlia
