// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/placement/known_regions.hpp"

#include <chrono>
#include <initializer_list>

#include <gtest/gtest.h>

#include "core/random.hpp"

namespace kadenza::distributed::placement {
namespace {

using namespace std::chrono_literals;

/// The region whose prefix is these bits.
Region region(std::initializer_list<int> bits) {
  Region result;
  for (const int bit : bits) result = result.half(bit == 1);
  return result;
}

core::Instant at(core::Duration since_start) {
  return core::Instant(since_start);
}

class KnownRegionsTest : public ::testing::Test {
 protected:
  KnownRegions known;
};

TEST(Region, IsThePrefixOfAKey) {
  core::SeededRandom random(3);
  const auto key = kademlia::random_key(random);
  for (int bits = 0; bits <= 256; ++bits) {
    const auto around = Region::around(key, bits);
    EXPECT_GE(kademlia::distance(around.prefix, key).leading_zeros(), bits);
    EXPECT_TRUE(around.contains(Region::around(key, 256)));
    if (bits == 256) break;
    const bool second = kademlia::Distance(kademlia::distance(key, {})).bit(bits);
    EXPECT_EQ(around.half(second), Region::around(key, bits + 1));
    EXPECT_FALSE(around.half(!second).contains(Region::around(key, 256)));
  }
}

TEST_F(KnownRegionsTest, NothingIsKnownAtFirst) {
  EXPECT_FALSE(known.stalest_in(region({})).seen);
  EXPECT_EQ(known.stalest_in(region({1, 0})).region, region({1, 0}));
}

TEST_F(KnownRegionsTest, WhatIsInsideARegionThatWasSeenIsKnown) {
  known.seen(region({1}), at(5s));
  EXPECT_EQ(known.stalest_in(region({1, 0, 1})).seen, at(5s));
  EXPECT_EQ(known.stalest_in(region({1})).seen, at(5s));
  EXPECT_FALSE(known.stalest_in(region({0, 1})).seen);
}

TEST_F(KnownRegionsTest, AWholeIsAsOldAsItsOldestPart) {
  known.seen(region({0, 0}), at(3s));
  known.seen(region({0, 1, 0}), at(2s));
  EXPECT_EQ(known.stalest_in(region({0})).region, region({0, 1, 1}));
  EXPECT_FALSE(known.stalest_in(region({0})).seen);
  known.seen(region({0, 1, 1}), at(9s));
  EXPECT_EQ(known.stalest_in(region({0})).seen, at(2s));
  EXPECT_EQ(known.stalest_in(region({0})).region, region({0, 1, 0}));
}

TEST_F(KnownRegionsTest, ALookThatShowsLessThanTheOneBeforeTakesItsPlace) {
  known.seen(region({}), at(1s));
  known.seen(region({1, 1}), at(4s));
  EXPECT_EQ(known.stalest_in(region({1, 1})).seen, at(4s));
  EXPECT_FALSE(known.stalest_in(region({1, 0})).seen);
  EXPECT_EQ(known.size(), 1u);
}

TEST_F(KnownRegionsTest, ALookThatShowsMoreTakesThePlaceOfTheOnesBefore) {
  known.seen(region({1, 1}), at(1s));
  known.seen(region({1, 0}), at(1s));
  known.seen(region({}), at(4s));
  EXPECT_EQ(known.stalest_in(region({})).seen, at(4s));
  EXPECT_EQ(known.size(), 1u);
}

TEST_F(KnownRegionsTest, WhatNobodyUsesIsNotLookedAtAgain) {
  known.seen(region({0, 0}), at(1s));
  known.seen(region({0, 1}), at(2s));
  known.seen(region({1}), at(3s));
  EXPECT_FALSE(known.stalest_used(at(0s)));
  known.note_use(region({1, 0, 0}), at(10s));
  EXPECT_EQ(known.stalest_used(at(10s))->region, region({1}));
  known.note_use(region({0}), at(12s));
  EXPECT_EQ(known.stalest_used(at(10s))->region, region({0, 0}));
  known.seen(region({0, 0}), at(13s));  // it is still used
  known.seen(region({0, 1}), at(14s));
  EXPECT_EQ(known.stalest_used(at(11s))->region, region({0, 0}));
}

TEST_F(KnownRegionsTest, IsBounded) {
  core::SeededRandom random(5);
  for (std::size_t i = 0; i < 3 * KnownRegions::kRegionsMax; ++i) {
    known.seen(Region::around(kademlia::random_key(random), 200), at(1s));
    ASSERT_LE(known.size(), KnownRegions::kRegionsMax);
  }
}

}  // namespace
}  // namespace kadenza::distributed::placement
