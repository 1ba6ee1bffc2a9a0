// SPDX-License-Identifier: AGPL-3.0-or-later
#include "core/background.hpp"

#include <stdexcept>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

namespace kadenza::core {
namespace {

namespace asio = boost::asio;

template <class Executor>
Task<void> forever(Executor executor) {
  asio::steady_timer timer(executor, asio::steady_timer::time_point::max());
  co_await timer.async_wait(asio::use_awaitable);
}

class BackgroundTest : public ::testing::Test {
 protected:
  void stop() {
    bool stopped = false;
    auto stopping = [this, &stopped]() -> Task<void> {
      co_await background_.stop();
      stopped = true;
    };
    asio::co_spawn(io_, stopping, asio::detached);
    io_.restart();
    io_.run();
    EXPECT_TRUE(stopped);
  }

  asio::io_context io_;
  Background background_{asio::make_strand(io_)};
};

TEST_F(BackgroundTest, StopWaitsForWhatItCancels) {
  int ended = 0;
  for (int i = 0; i < 3; ++i) {
    background_.spawn([&]() -> Task<void> {
      struct AtTheEnd {
        int& ended;
        ~AtTheEnd() { ++ended; }
      };
      const AtTheEnd at_the_end{ended};
      co_await forever(io_.get_executor());
    });
  }
  io_.poll();
  EXPECT_EQ(ended, 0);
  stop();
  EXPECT_EQ(ended, 3);
}

TEST_F(BackgroundTest, NothingIsBegunAfterTheStop) {
  stop();
  bool begun = false;
  background_.spawn([&]() -> Task<void> {
    begun = true;
    co_return;
  });
  io_.restart();
  io_.run();
  EXPECT_FALSE(begun);
}

TEST_F(BackgroundTest, StopsWhatAwaitsSeveralAtOnce) {
  using namespace asio::experimental::awaitable_operators;
  background_.spawn([this]() -> Task<void> {
    co_await (forever(io_.get_executor()) && forever(io_.get_executor()) && forever(io_.get_executor()));
  });
  io_.poll();
  EXPECT_NO_THROW(stop());
}

TEST_F(BackgroundTest, AFaultIsNotSilent) {
  background_.spawn([]() -> Task<void> {
    throw std::logic_error("fault");
    co_return;
  });
  EXPECT_THROW(io_.run(), std::logic_error);
}

TEST(Background, IsUsedFromAnyThread) {
  asio::thread_pool pool(3);
  for (int turn = 0; turn < 200; ++turn) {
    Background background(asio::make_strand(pool));
    for (int i = 0; i < 4; ++i) background.spawn([&] { return forever(pool.get_executor()); });
    auto stopping = [&] { return background.stop(); };
    asio::co_spawn(pool, stopping, asio::use_future).get();
  }
}

}  // namespace
}  // namespace kadenza::core
