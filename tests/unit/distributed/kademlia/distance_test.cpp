// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/kademlia/distance.hpp"

#include <gtest/gtest.h>

#include "support.hpp"

namespace kadenza::distributed::kademlia {
namespace {

using testing::id_of;

TEST(Distance, IsZeroToItselfAndSymmetric) {
  core::SeededRandom random(1);
  const Key a = random_key(random);
  const Key b = random_key(random);
  EXPECT_EQ(distance(a, a), Distance{});
  EXPECT_EQ(distance(a, b), distance(b, a));
  EXPECT_EQ(distance(a, a).leading_zeros(), 256);
}

TEST(Distance, IsOrderedLikeABigNumber) {
  EXPECT_LT(distance(id_of(0), id_of(0x00ff'0000'0000'0000)),
            distance(id_of(0), id_of(0x0100'0000'0000'0000)));
  Key last;
  last.bytes[31] = 1;
  EXPECT_LT(distance(Key{}, last), distance(Key{}, id_of(1)));
  EXPECT_EQ(distance(Key{}, last).leading_zeros(), 255);
  EXPECT_TRUE(distance(Key{}, last).bit(255));
  EXPECT_FALSE(distance(Key{}, last).bit(254));
}

TEST(Distance, TellsItsFractionOfTheSpace) {
  EXPECT_DOUBLE_EQ(distance(id_of(0), id_of(0x8000'0000'0000'0000)).fraction(), 0.5);
  EXPECT_DOUBLE_EQ(distance(id_of(0), id_of(0x2000'0000'0000'0000)).fraction(), 0.125);
}

TEST(RandomKeyAt, SharesExactlySoManyBits) {
  core::SeededRandom random(7);
  const NodeId base = random_key(random);
  for (int bits = 0; bits < 256; ++bits) {
    ASSERT_EQ(distance(base, random_key_at(base, bits, random)).leading_zeros(), bits);
  }
}

}  // namespace
}  // namespace kadenza::distributed::kademlia
