// SPDX-License-Identifier: AGPL-3.0-or-later
#include "middleware/retry.hpp"

#include <gtest/gtest.h>

namespace kadenza::middleware {
namespace {

using boost::beast::http::verb;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Retry, PausesDoubleWithJitterUpToTheMost) {
  core::SeededRandom random(1);
  constexpr Backoff kBackoff{milliseconds(100), milliseconds(1000)};
  bool differ = false;
  for (unsigned failures = 0; failures < 70; ++failures) {
    const core::Duration longest =
        failures < 4 ? milliseconds(100 * (1 << failures)) : core::Duration(milliseconds(1000));
    const core::Duration pause = kBackoff.pause(failures, random);
    EXPECT_GE(pause, longest / 2) << failures;
    EXPECT_LE(pause, longest) << failures;
    differ = differ || pause != kBackoff.pause(failures, random);
  }
  EXPECT_TRUE(differ);
}

TEST(Retry, OnlyWhatDoesNoHarmTwiceIsRepeatable) {
  EXPECT_TRUE(is_repeatable(verb::get, "/anything"));
  EXPECT_TRUE(is_repeatable(verb::delete_, "/api/v1/session"));
  EXPECT_TRUE(is_repeatable(verb::post, "/api/v1/songs"));
  EXPECT_TRUE(is_repeatable(verb::post, "/api/v1/songs?title=x"));
  EXPECT_FALSE(is_repeatable(verb::post, "/api/v1/session"));
  EXPECT_FALSE(is_repeatable(verb::post, "/api/v1/songs/x"));
  EXPECT_FALSE(is_repeatable(verb::patch, "/api/v1/songs"));
}

TEST(Retry, OnlyReadingIsAskedTwiceAtOnce) {
  EXPECT_TRUE(only_reads(verb::get));
  EXPECT_TRUE(only_reads(verb::head));
  EXPECT_FALSE(only_reads(verb::delete_));
  EXPECT_FALSE(only_reads(verb::post));
}

TEST(Retry, RoundsEnd) {
  core::SeededRandom random(1);
  Rounds rounds;
  EXPECT_TRUE(rounds.next(milliseconds(1), std::nullopt, random));
  EXPECT_TRUE(rounds.next(milliseconds(2), std::nullopt, random));
  EXPECT_FALSE(rounds.next(milliseconds(3), std::nullopt, random));
  Rounds slow;
  EXPECT_FALSE(slow.next(Rounds::kLatestStart, std::nullopt, random));
}

TEST(Retry, ANodeThatSaysWhenIsBelievedOnceAndNotForLong) {
  core::SeededRandom random(1);
  Rounds rounds;
  EXPECT_EQ(rounds.next(seconds(0), seconds(2), random), seconds(2));
  EXPECT_FALSE(rounds.next(seconds(2), seconds(2), random));
  EXPECT_EQ(Rounds().next(seconds(0), seconds(1'000'000), random), Rounds::kLongestWait);
}

TEST(Retry, AQuickNodeIsDoubtedSoonerThanASlowOne) {
  EXPECT_EQ(hedge_after(milliseconds(1), 1), milliseconds(150));
  EXPECT_EQ(hedge_after(milliseconds(100), 1), milliseconds(400));
  EXPECT_EQ(hedge_after(seconds(100), 1), seconds(1));
  EXPECT_EQ(hedge_after(std::nullopt, 2), milliseconds(300));
}

TEST(Retry, AStreamThatBringsNothingIsGivenMoreTimeEachTime) {
  EXPECT_EQ(stall_limit(0), milliseconds(200));
  EXPECT_EQ(stall_limit(1), milliseconds(400));
  EXPECT_EQ(stall_limit(1000), stall_limit(2000));
}

}  // namespace
}  // namespace kadenza::middleware
