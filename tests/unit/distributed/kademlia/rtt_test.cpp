// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/kademlia/rtt.hpp"

#include <gtest/gtest.h>

namespace kadenza::distributed::kademlia {
namespace {

TEST(Rtt, IsUnknownAtFirstAndThenFollows) {
  const Config config;
  RttEstimate rtt;
  EXPECT_FALSE(rtt.known());
  EXPECT_EQ(rtt.soft_timeout(config), config.soft_timeout_max);
  rtt.add(80ms);
  EXPECT_TRUE(rtt.known());
  EXPECT_EQ(rtt.smoothed(), 80ms);
  EXPECT_EQ(rtt.soft_timeout(config), 240ms);
  for (int i = 0; i < 100; ++i) rtt.add(200ms);
  EXPECT_NEAR(static_cast<double>(rtt.smoothed() / 1us), 200'000, 1000);
  EXPECT_LT(rtt.soft_timeout(config), 210ms);
}

TEST(Rtt, SoftTimeoutStaysWithinItsBounds) {
  const Config config;
  RttEstimate fast;
  fast.add(100us);
  EXPECT_EQ(fast.soft_timeout(config), config.soft_timeout_min);
  RttEstimate slow;
  slow.add(5s);
  EXPECT_EQ(slow.soft_timeout(config), config.soft_timeout_max);
}

TEST(Rtt, SurvivesSamplesThatCannotBe) {
  RttEstimate rtt;
  rtt.add(-5s);
  EXPECT_TRUE(rtt.known());
  rtt.add(100h);
  rtt.add(Duration::max());
  EXPECT_LE(rtt.smoothed(), 60s);
}

}  // namespace
}  // namespace kadenza::distributed::kademlia
