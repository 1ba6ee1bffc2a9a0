// SPDX-License-Identifier: AGPL-3.0-or-later
#include "sim/calls.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <gtest/gtest.h>

namespace kadenza::sim {
namespace {

using core::Errc;
using core::Result;
using core::Task;
using std::chrono::milliseconds;
using std::chrono::seconds;
using namespace boost::asio::experimental::awaitable_operators;

constexpr core::Deadline kNever = core::Deadline::max();

/// Two hosts or more, whose processes answer a number with its successor after some work.
class World {
 public:
  explicit World(std::uint64_t seed, HostId hosts) : engine(seed), network(engine.random().fork()) {
    for (HostId host = 0; host < hosts; ++host) {
      network.add_host();
      start(host);
    }
  }

  void start(HostId host) {
    calls.start(host, [this](HostId, int request) { return work(request); });
  }

  Task<Result<int>> work(int request) {
    ++served;
    const auto slept = co_await sleeps.sleep_for(working_time);
    if (!slept) {
      ++interrupted;
      co_return core::fail(slept.error().code);
    }
    co_return request + 1;
  }

  /// Runs a call to its end and gives its outcome.
  Result<int> outcome(HostId from, HostId to, core::Deadline deadline) {
    std::optional<Result<int>> answer;
    auto task = [](World& world, HostId a, HostId b, core::Deadline by,
                   std::optional<Result<int>>& out) -> Task<void> {
      out = co_await world.calls.call(a, b, 41, by);
      world.ended = world.engine.now();
    };
    boost::asio::co_spawn(coroutines.context(), task(*this, from, to, deadline, answer),
                          boost::asio::detached);
    while (!answer && engine.step()) {
    }
    return answer ? *answer : Result<int>(core::fail(Errc::kInternal, "the call never ended"));
  }

  Engine engine;
  Network network;
  Coroutines coroutines{engine};
  Sleeps sleeps{engine};
  Calls<int, int> calls{engine, coroutines, network};
  core::Duration working_time = milliseconds(5);
  core::Instant ended;  ///< when the last outcome() was known
  int served = 0;
  int interrupted = 0;
};

TEST(Calls, AnswerAfterHandshakesWorkAndTheWayBack) {
  World world(1, 2);
  EXPECT_EQ(world.outcome(0, 1, kNever), 42);
  EXPECT_GE(world.ended - core::Instant{}, 3 * world.network.round_trip(0, 1) + world.working_time);
}

TEST(Calls, EndAtTheirDeadlineAndInterruptTheServer) {
  World world(1, 2);
  world.working_time = seconds(30);
  const core::Deadline deadline = world.engine.now() + seconds(2);
  const auto outcome = world.outcome(0, 1, deadline);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Errc::kDeadlineExceeded);
  EXPECT_EQ(world.ended, deadline);
  world.engine.run_for(seconds(2));
  EXPECT_EQ(world.served, 1);
  EXPECT_EQ(world.interrupted, 1);
}

TEST(Calls, ToNobodyAreRefusedToTheDeadEndUnavailable) {
  World world(1, 3);
  world.calls.crash(1);
  auto refused = world.outcome(0, 1, kNever);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kUnavailable);
  EXPECT_LT(world.ended - core::Instant{}, seconds(3));
  world.network.set_up(2, false);
  const auto asked = world.engine.now();
  const auto silent = world.outcome(0, 2, kNever);
  ASSERT_FALSE(silent);
  EXPECT_EQ(silent.error().code, Errc::kUnavailable);
  EXPECT_EQ(world.ended - asked, kTransportTimeout);
}

TEST(Calls, ACrashInterruptsWhatIsServedAndARestartAnswersAgain) {
  World world(1, 2);
  world.working_time = seconds(60);
  std::optional<Result<int>> answer;
  auto task = [](World& in, std::optional<Result<int>>& out) -> Task<void> {
    out = co_await in.calls.call(0, 1, 1, kNever);
  };
  boost::asio::co_spawn(world.coroutines.context(), task(world, answer), boost::asio::detached);
  world.engine.run_for(seconds(5));
  ASSERT_EQ(world.served, 1);
  world.calls.crash(1);
  world.engine.run_for(seconds(30));
  EXPECT_EQ(world.interrupted, 1);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->error().code, Errc::kUnavailable);
  world.working_time = milliseconds(1);
  world.start(1);
  EXPECT_EQ(world.outcome(0, 1, kNever), 42);
}

TEST(Calls, ACrashedCallerStopsWaiting) {
  World world(1, 2);
  world.working_time = seconds(60);
  std::optional<Result<int>> answer;
  auto task = [](World& in, std::optional<Result<int>>& out) -> Task<void> {
    out = co_await in.calls.call(0, 1, 1, kNever);
  };
  boost::asio::co_spawn(world.coroutines.context(), task(world, answer), boost::asio::detached);
  world.engine.run_for(seconds(5));
  world.calls.crash(0);
  world.engine.run_for(milliseconds(1));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->error().code, Errc::kCancelled);
}

/// A client that asks two nodes at once and takes the first answer: the other call is cancelled.
Task<void> hedge(World& world, HostId from, int calls, std::uint64_t& checksum) {
  for (int i = 0; i < calls; ++i) {
    const auto hosts = static_cast<HostId>(world.network.size());
    const auto first = static_cast<HostId>(world.engine.random().below(hosts));
    const auto second = static_cast<HostId>(world.engine.random().below(hosts));
    const core::Deadline deadline =
        world.engine.now() + milliseconds(world.engine.random().between(50, 2000));
    const auto both =
        co_await (world.calls.call(from, first, i, deadline) || world.calls.call(from, second, i, deadline));
    const auto& winner = both.index() == 0 ? std::get<0>(both) : std::get<1>(both);
    checksum = checksum * 31 + (winner ? static_cast<std::uint64_t>(*winner)
                                       : static_cast<std::uint64_t>(winner.error().code) + 7);
  }
}

struct Totals {
  std::uint64_t trace = 0, checksum = 0;
  int served = 0, interrupted = 0;
  friend bool operator==(const Totals&, const Totals&) = default;
};

Totals hedged_calls(std::uint64_t seed) {
  constexpr HostId kHosts = 50;
  constexpr int kCallsPerHost = 2000;  // two calls each: 200,000
  World world(seed, kHosts);
  world.network.faults.loss = 0.02;
  Totals run;
  for (HostId host = 0; host < kHosts; ++host) {
    boost::asio::co_spawn(world.coroutines.context(), hedge(world, host, kCallsPerHost, run.checksum),
                          boost::asio::detached);
  }
  world.engine.run();
  run.trace = world.engine.trace().value();
  run.served = world.served;
  run.interrupted = world.interrupted;
  return run;
}

TEST(Calls, TwoHundredThousandWithTimeoutsAndCancellationAreTheSameTwice) {
  const Totals first = hedged_calls(5);
  EXPECT_GT(first.served, 100'000);
  EXPECT_GT(first.interrupted, 100);
  EXPECT_EQ(first, hedged_calls(5));
  EXPECT_NE(first.trace, hedged_calls(6).trace);
}

}  // namespace
}  // namespace kadenza::sim
