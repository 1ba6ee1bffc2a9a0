// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/repair/pace.hpp"

#include <memory>
#include <optional>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>

#include "sim/coroutines.hpp"
#include "sim/engine.hpp"

namespace kadenza::distributed::repair {
namespace {

using namespace std::chrono_literals;

class PaceTest : public testing::Test {
 protected:
  /// How long so many steps take.
  core::Duration time_for(int steps, std::uint64_t bytes) {
    const auto begun = engine.now();
    bool done = false;
    auto walk = [&]() -> core::Task<void> {
      for (int i = 0; i < steps; ++i) {
        auto turn = co_await pace.turn();
        turn.spent(bytes);
      }
      (void)co_await pace.turn();
      done = true;
    };
    boost::asio::co_spawn(coroutines.context(), walk(), boost::asio::detached);
    while (!done) engine.step();
    return engine.now() - begun;
  }

  sim::Engine engine{1};
  sim::Coroutines coroutines{engine};
  sim::SimClock clock{engine};
  sim::SimTimers timers{engine};
  int served_percent = 0;  ///< of the time
  Pace pace{clock, timers, 1'000'000,
            [this] { return engine.now().time_since_epoch() * served_percent / 100; }};
};

TEST_F(PaceTest, KeepsToItsRate) {
  EXPECT_NEAR(std::chrono::duration<double>(time_for(100, 100'000)).count(), 10, 0.01);
}

TEST_F(PaceTest, GoesAtAQuarterWhileOthersAreServed) {
  served_percent = 100;
  EXPECT_NEAR(std::chrono::duration<double>(time_for(10, 100'000)).count(), 4, 0.01);
}

TEST_F(PaceTest, ServingForATenthOfTheTimeTakesLittleFromIt) {
  served_percent = 10;
  EXPECT_NEAR(std::chrono::duration<double>(time_for(100, 100'000)).count(), 10 / 0.925, 0.01);
}

TEST_F(PaceTest, ThoseWhoWaitTogetherBeginOneByOne) {
  time_for(30, 100'000);  // now it is known what a step moves
  std::vector<core::Duration> begun;
  const auto start = engine.now();
  auto step = [&](int) -> core::Task<void> {
    auto turn = co_await pace.turn();
    begun.push_back(engine.now() - start);
    co_await timers.sleep_until(clock.now() + 10s);  // a slow call
    turn.spent(100'000);
  };
  for (int i = 0; i < 5; ++i) boost::asio::co_spawn(coroutines.context(), step(i), boost::asio::detached);
  engine.run();
  ASSERT_EQ(begun.size(), 5U);
  for (int i = 0; i < 5; ++i) EXPECT_NEAR(std::chrono::duration<double>(begun[i]).count(), 0.1 * i, 0.001);
}

TEST_F(PaceTest, AStepThatMovedNothingGivesItsTimeBack) {
  time_for(1, 100'000);
  const auto start = engine.now();
  auto fail = [&]() -> core::Task<void> { (void)co_await pace.turn(); };
  for (int i = 0; i < 3; ++i) boost::asio::co_spawn(coroutines.context(), fail(), boost::asio::detached);
  engine.run();
  EXPECT_EQ(engine.now() - start, 0s);
  EXPECT_NEAR(std::chrono::duration<double>(time_for(10, 100'000)).count(), 1, 0.1);
}

TEST_F(PaceTest, ATurnMayEndAfterItsPace) {
  auto gone = std::make_unique<Pace>(clock, timers, 1'000'000, [] { return core::Duration{}; });
  std::optional<Pace::Turn> last;
  auto take = [&]() -> core::Task<void> { last.emplace(co_await gone->turn()); };
  boost::asio::co_spawn(coroutines.context(), take(), boost::asio::detached);
  engine.run();
  ASSERT_TRUE(last);
  gone.reset();
  last.reset();
}

TEST_F(PaceTest, TimeThatWasNotUsedIsNotCaughtUp) {
  engine.run_for(1h);
  EXPECT_NEAR(std::chrono::duration<double>(time_for(10, 100'000)).count(), 1, 0.01);
}

class SlowPeers final : public peers::Peers {
 public:
  core::Task<core::Result<std::string>> call(kademlia::Contact, std::string_view, std::string,
                                             core::Deadline deadline) override {
    deadlines.push_back(deadline);
    co_return std::string(1'000'000, 'x');
  }
  std::vector<core::Deadline> deadlines;
};

TEST_F(PaceTest, ACallsTimeBeginsWithItsTurn) {
  SlowPeers calls;
  PacedPeers paced(calls, pace, clock);
  int answered = 0;
  auto ask = [&]() -> core::Task<void> {
    for (int i = 0; i < 3; ++i) {
      const auto answer = co_await paced.call({}, "/a/b", "", clock.now() + 500ms);
      if (answer) ++answered;
    }
  };
  boost::asio::co_spawn(coroutines.context(), ask(), boost::asio::detached);
  engine.run();
  EXPECT_EQ(answered, 3);
  ASSERT_EQ(calls.deadlines.size(), 3U);
  EXPECT_EQ(calls.deadlines[2] - calls.deadlines[0], 2s);  // a megabyte each, a megabyte per second
}

}  // namespace
}  // namespace kadenza::distributed::repair
