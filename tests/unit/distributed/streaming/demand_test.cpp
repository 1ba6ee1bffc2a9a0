// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/streaming/demand.hpp"

#include <algorithm>
#include <chrono>

#include <gtest/gtest.h>

#include "core/sha256.hpp"
#include "distributed/streaming/known_copies.hpp"
#include "sim/engine.hpp"

namespace kadenza::distributed::streaming {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kSize = 6'000'000;

core::SongId song(std::size_t number) {
  return {core::sha256("song " + std::to_string(number)).bytes};
}

class DemandTest : public ::testing::Test {
 public:
  /// Through this holder, for ten minutes.
  void play(const core::SongId& id, int per_minute) {
    for (int i = 0; i < 10 * per_minute; ++i) {
      engine.run_for(60'000ms / per_minute);
      demand.served(id, kSize / 2, kSize);
      demand.served(id, kSize / 2, kSize);
    }
  }
  std::size_t copies(const core::SongId& id) {
    const auto popular = demand.popular();
    const auto found = std::ranges::find(popular, id, &Demand::Popular::id);
    return found == popular.end() ? 0 : found->copies;
  }

  sim::Engine engine{1};
  sim::SimClock clock{engine};
  Demand demand{clock, cluster::Settings{}};
};

TEST_F(DemandTest, WhatIsPlayedNowAndThenNeedsNoFurtherCopies) {
  play(song(1), 3);
  EXPECT_EQ(copies(song(1)), 0u);
  EXPECT_EQ(demand.copies(song(1)), 0u);
}

TEST_F(DemandTest, CopiesFollowTheListenersAtMostTwiceAsManyAtOnce) {
  play(song(1), 9);
  EXPECT_EQ(copies(song(1)), 5u);  // three holders with 9 plays a minute each: 27 / 6
  play(song(1), 60);
  EXPECT_EQ(copies(song(1)), 6u);
  demand.set_copies(song(1), 6);
  EXPECT_EQ(demand.copies(song(1)), 6u);
  play(song(1), 60);  // still, though there are six to share them
  EXPECT_EQ(copies(song(1)), 12u);
  demand.set_copies(song(1), 12);
  play(song(1), 120);
  EXPECT_EQ(copies(song(1)), 24u);
  demand.set_copies(song(1), 40);
  play(song(1), 600);
  EXPECT_EQ(copies(song(1)), 40u);  // no more than C
}

TEST_F(DemandTest, TheyAreGivenUpWhenTheListenersGo) {
  play(song(1), 20);
  demand.set_copies(song(1), 6);
  engine.run_for(3min);
  EXPECT_EQ(copies(song(1)), 5u);
  engine.run_for(3min);
  EXPECT_EQ(copies(song(1)), 3u);
  demand.set_copies(song(1), 3);
  EXPECT_EQ(demand.copies(song(1)), 0u);
  EXPECT_TRUE(demand.popular().empty());
}

TEST_F(DemandTest, RemembersABoundedNumberOfSongsThoseMostPlayed) {
  play(song(0), 20);
  for (std::size_t i = 1; i < 3 * Demand::kSongsMax; ++i) demand.served(song(i), kSize, kSize);
  EXPECT_GT(copies(song(0)), 3u);
  EXPECT_EQ(demand.popular().size(), 1u);
}

TEST(KnownCopies, AreForgottenAfterAMinute) {
  sim::Engine engine{1};
  sim::SimClock clock{engine};
  KnownCopies known{clock};
  EXPECT_EQ(known.of(song(1)), 0u);
  known.note(song(1), 5);
  engine.run_for(59s);
  EXPECT_EQ(known.of(song(1)), 5u);
  engine.run_for(2s);
  EXPECT_EQ(known.of(song(1)), 0u);
  for (std::size_t i = 0; i < 3 * KnownCopies::kSongsMax; ++i) known.note(song(i), 4);
  EXPECT_EQ(known.of(song(3 * KnownCopies::kSongsMax - 1)), 4u);
}

}  // namespace
}  // namespace kadenza::distributed::streaming
