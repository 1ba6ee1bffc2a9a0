// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/kademlia/limits.hpp"

#include <gtest/gtest.h>

namespace kadenza::distributed::kademlia {
namespace {

TEST(RateLimiter, BoundsOneSourceAndForgivesWithTime) {
  const Config config{.rate_per_source = 10};
  RateLimiter limiter(config, 1);
  const Endpoint source = Endpoint::v4(1, 1);
  int allowed = 0;
  for (int i = 0; i < 100; ++i) allowed += limiter.allow(source, Instant(0s)) ? 1 : 0;
  EXPECT_EQ(allowed, 10);
  EXPECT_TRUE(limiter.allow(Endpoint::v4(2, 1), Instant(0s))) << "another source must not suffer";
  EXPECT_FALSE(limiter.allow(source, Instant(50ms)));
  EXPECT_TRUE(limiter.allow(source, Instant(200ms)));
}

TEST(RateLimiter, BoundsAllSourcesTogether) {
  const Config config{.rate_per_source = 10, .rate_total = 50};
  RateLimiter limiter(config, 1);
  int allowed = 0;
  for (std::uint32_t i = 0; i < 10'000; ++i)
    allowed += limiter.allow(Endpoint::v4(i, 1), Instant(0s)) ? 1 : 0;
  EXPECT_EQ(allowed, 50);
}

TEST(RecentlyDead, RemembersForAWhile) {
  const Config config;
  RecentlyDead dead(config, 1);
  const Endpoint endpoint = Endpoint::v4(1, 1);
  EXPECT_FALSE(dead.contains(endpoint, Instant(0s)));
  dead.add(endpoint, Instant(0s));
  EXPECT_TRUE(dead.contains(endpoint, Instant(29s)));
  EXPECT_FALSE(dead.contains(Endpoint::v4(1, 2), Instant(0s)));
  EXPECT_FALSE(dead.contains(endpoint, Instant(30s)));
  dead.add(endpoint, Instant(60s));
  dead.forget(endpoint);
  EXPECT_FALSE(dead.contains(endpoint, Instant(60s)));
}

}  // namespace
}  // namespace kadenza::distributed::kademlia
