// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/streaming/hedge.hpp"

#include <chrono>
#include <optional>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>

#include "sim/coroutines.hpp"
#include "sim/engine.hpp"

namespace kadenza::distributed::streaming {
namespace {

using core::Errc;
using core::Result;
using namespace std::chrono_literals;

/// What attempt i does: succeeds with i, or fails, after some time.
struct Plan {
  core::Duration after{};
  bool succeeds = true;
};

class HedgeTest : public ::testing::Test {
 protected:
  Result<int> run(std::vector<Plan> plans, core::Duration patience) {
    std::optional<Result<int>> outcome;
    auto task = [](HedgeTest& test, std::vector<Plan> what, core::Duration wait,
                   std::optional<Result<int>>& out) -> core::Task<void> {
      Hedge<int>::Attempt attempt = [&test, what](std::size_t index) -> core::Task<Result<int>> {
        test.started.push_back(test.engine.now());
        co_await test.timers.sleep_until(test.engine.now() + what[index].after);
        if (!what[index].succeeds) co_return core::fail(Errc::kUnavailable, std::to_string(index));
        ++test.succeeded;
        co_return static_cast<int>(index);
      };
      out = co_await Hedge<int>::run(
          test.clock, test.timers, what.size(), [wait](std::size_t) { return wait; }, std::move(attempt));
      test.ended = test.engine.now();
    };
    begun = engine.now();
    boost::asio::co_spawn(coroutines.context(), task(*this, std::move(plans), patience, outcome),
                          boost::asio::detached);
    engine.run();
    return outcome.value_or(core::fail(Errc::kInternal, "it never ended"));
  }

  sim::Engine engine{1};
  sim::Coroutines coroutines{engine};
  sim::SimClock clock{engine};
  sim::SimTimers timers{engine};
  std::vector<core::Instant> started;
  core::Instant begun, ended;
  int succeeded = 0;
};

TEST_F(HedgeTest, AQuickFirstAttemptIsTheOnlyOne) {
  EXPECT_EQ(run({{1ms}, {1ms}}, 10ms), 0);
  EXPECT_EQ(started.size(), 1u);
  EXPECT_EQ(ended - begun, 1ms);
}

TEST_F(HedgeTest, ALateOneIsOvertaken) {
  EXPECT_EQ(run({{1h}, {2ms}}, 10ms), 1);
  EXPECT_EQ(ended - begun, 12ms);
  EXPECT_EQ(succeeded, 1);  // the first was cancelled
}

TEST_F(HedgeTest, ALateAnswerStillCounts) {
  EXPECT_EQ(run({{15ms}, {1h}}, 10ms), 0);
  EXPECT_EQ(ended - begun, 15ms);
}

TEST_F(HedgeTest, AFailureStartsTheNextAtOnce) {
  EXPECT_EQ(run({{1ms, false}, {1ms, false}, {1ms}}, 1s), 2);
  EXPECT_EQ(ended - begun, 3ms);
}

TEST_F(HedgeTest, WhenAllFailItIsTheLastFailure) {
  const auto outcome = run({{30ms, false}, {1ms, false}}, 10ms);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().detail, "0");
  EXPECT_EQ(ended - begun, 30ms);
}

TEST_F(HedgeTest, AFailureOfAnOlderOneDoesNotHurryTheNewest) {
  EXPECT_EQ(run({{12ms, false}, {5ms}, {1ms}}, 10ms), 1);
  EXPECT_EQ(started.size(), 2u);
}

}  // namespace
}  // namespace kadenza::distributed::streaming
