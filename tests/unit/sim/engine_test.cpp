// SPDX-License-Identifier: AGPL-3.0-or-later
#include "sim/engine.hpp"

#include <chrono>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "sim/pool.hpp"

namespace kadenza::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Recorder final : EventHandler {
  void on_event(std::uint32_t slot) override { seen.push_back(slot); }
  std::vector<std::uint32_t> seen;
};

TEST(Engine, RunsEventsInTheOrderOfTimeThenOfScheduling) {
  Engine engine(1);
  Recorder recorder;
  const auto id = engine.add_handler(recorder);
  const auto start = engine.now();
  engine.schedule(start + milliseconds(20), id, 3);
  engine.schedule(start + milliseconds(10), id, 1);
  engine.schedule(start + milliseconds(10), id, 2);
  engine.schedule(start - seconds(1), id, 0);
  engine.run();
  EXPECT_EQ(recorder.seen, (std::vector<std::uint32_t>{0, 1, 2, 3}));
  EXPECT_EQ(engine.now(), start + milliseconds(20));
  EXPECT_EQ(engine.events(), 4u);
}

TEST(Engine, RunUntilStopsAtTheMomentAndSetsTheClock) {
  Engine engine(1);
  Recorder recorder;
  const auto id = engine.add_handler(recorder);
  const auto start = engine.now();
  engine.schedule(start + seconds(1), id, 1);
  engine.schedule(start + seconds(3), id, 3);
  engine.run_until(start + seconds(2));
  EXPECT_EQ(recorder.seen, std::vector<std::uint32_t>{1});
  EXPECT_EQ(engine.now(), start + seconds(2));
}

TEST(Engine, DoesReadyWorkBeforeTimeJumps) {
  Engine engine(1);
  Recorder recorder;
  const auto id = engine.add_handler(recorder);
  int ready = 3;
  std::vector<core::Instant> moments;
  engine.set_ready_work([&] {
    if (ready == 0) return false;
    moments.push_back(engine.now());
    return --ready, true;
  });
  const auto start = engine.now();
  engine.schedule(start + seconds(1), id, 0);
  engine.run();
  EXPECT_EQ(moments, std::vector<core::Instant>(3, start));
}

TEST(Engine, TraceTellsRunsApart) {
  const auto trace = [](std::uint32_t slot, milliseconds at) {
    Engine engine(1);
    Recorder recorder;
    engine.schedule(engine.now() + at, engine.add_handler(recorder), slot);
    engine.run();
    return engine.trace().value();
  };
  EXPECT_EQ(trace(1, milliseconds(1)), trace(1, milliseconds(1)));
  EXPECT_NE(trace(1, milliseconds(1)), trace(2, milliseconds(1)));
  EXPECT_NE(trace(1, milliseconds(1)), trace(1, milliseconds(2)));
}

TEST(SimClock, ShowsVirtualTimeAndAWrongWallClock) {
  Engine engine(1);
  const SimClock right(engine);
  const SimClock wrong(engine, -seconds(90));
  engine.run_for(seconds(10));
  EXPECT_EQ(right.now(), engine.now());
  EXPECT_EQ(right.now(), wrong.now());
  EXPECT_EQ(right.wall_now() - wrong.wall_now(), seconds(90));
}

TEST(Pool, UsesSlotsAgain) {
  Pool<int> pool;
  const auto first = pool.put(1);
  const auto second = pool.put(2);
  EXPECT_NE(first, second);
  EXPECT_EQ(pool.take(first), 1);
  EXPECT_EQ(pool.put(3), first);
  EXPECT_EQ(pool[second], 2);
}

TEST(Random, IsTheSameForASeedAndHasTheAskedDistributions) {
  Random one(7);
  Random same(7);
  Random other(8);
  EXPECT_EQ(one.next(), same.next());
  EXPECT_NE(one.next(), other.next());
  double exponential = 0;
  double normal = 0;
  double square = 0;
  std::set<std::uint64_t> below;
  constexpr int kDraws = 100'000;
  for (int i = 0; i < kDraws; ++i) {
    exponential += one.exponential(3);
    const double value = one.normal();
    normal += value;
    square += value * value;
    below.insert(one.below(10));
  }
  EXPECT_NEAR(exponential / kDraws, 3, 0.1);
  EXPECT_NEAR(normal / kDraws, 0, 0.02);
  EXPECT_NEAR(square / kDraws, 1, 0.05);
  EXPECT_EQ(below.size(), 10u);
  EXPECT_EQ(*below.rbegin(), 9u);
}

TEST(Random, TheFirstDrawsNeverChange) {  // seeds in documents and bug reports stay good
  Random random(1);
  EXPECT_EQ(random.next(), 12966619160104079557U);
}

}  // namespace
}  // namespace kadenza::sim
