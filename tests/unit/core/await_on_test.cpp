// SPDX-License-Identifier: AGPL-3.0-or-later
#include "core/await_on.hpp"

#include <atomic>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

namespace kadenza::core {
namespace {

namespace asio = boost::asio;

using Strand = asio::strand<asio::thread_pool::executor_type>;

class AwaitOn : public ::testing::Test {
 protected:
  asio::thread_pool pool_{4};
  Strand here_ = asio::make_strand(pool_);
  Strand there_ = asio::make_strand(pool_);
};

TEST_F(AwaitOn, RunsThereAndComesBack) {
  auto caller = [this]() -> Task<std::string> {
    auto body = [this]() -> Task<std::string> {
      EXPECT_TRUE(there_.running_in_this_thread());
      co_return "done";
    };
    auto result = co_await await_on(there_, body);
    EXPECT_TRUE(here_.running_in_this_thread());
    EXPECT_FALSE(there_.running_in_this_thread());
    co_return result;
  };
  EXPECT_EQ(asio::co_spawn(here_, caller, asio::use_future).get(), "done");
}

TEST_F(AwaitOn, WhatIsThrownThereReachesTheCaller) {
  auto caller = [this]() -> Task<void> {
    auto body = []() -> Task<void> {
      throw std::runtime_error("no");
      co_return;
    };
    co_await await_on(there_, body);
  };
  EXPECT_THROW(asio::co_spawn(here_, caller, asio::use_future).get(), std::runtime_error);
}

TEST_F(AwaitOn, CancellingTheCallerCancelsTheCoroutine) {
  asio::cancellation_signal signal;
  std::atomic<bool> waiting = false;
  auto caller = [&]() -> Task<void> {
    auto body = [&]() -> Task<void> {
      asio::steady_timer timer(there_, asio::steady_timer::time_point::max());
      waiting = true;
      co_await timer.async_wait(asio::use_awaitable);
    };
    co_await await_on(there_, body);
  };
  std::promise<std::exception_ptr> ended;
  asio::co_spawn(here_, caller, asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr thrown) {
                   ended.set_value(std::move(thrown));
                 }));
  while (!waiting) std::this_thread::yield();
  asio::post(here_, [&] { signal.emit(asio::cancellation_type::terminal); });
  EXPECT_THROW(std::rethrow_exception(ended.get_future().get()), boost::system::system_error);
}

/// The signal arrives while the result is on its way back, and the caller goes on before it was handled:
/// sanitizers see whether anything of the call is still used then.
TEST_F(AwaitOn, ACancellationThatComesTooLateTouchesNothing) {
  for (int turn = 0; turn < 2000; ++turn) {
    auto signal = std::make_shared<asio::cancellation_signal>();
    auto caller = [this]() -> Task<void> {
      co_await asio::this_coro::throw_if_cancelled(false);
      for (int call = 0; call < 3; ++call) {
        auto body = [this]() -> Task<void> { co_await asio::post(there_, asio::use_awaitable); };
        co_await await_on(there_, body);
      }
    };
    std::promise<void> ended;
    asio::co_spawn(
        here_, caller,
        asio::bind_cancellation_slot(signal->slot(), [&](const std::exception_ptr&) { ended.set_value(); }));
    asio::post(there_, [&, signal] {
      asio::post(here_, [signal] { signal->emit(asio::cancellation_type::terminal); });
    });
    ended.get_future().wait();
    std::promise<void> emptied;
    asio::post(here_, [&] { asio::post(there_, [&] { emptied.set_value(); }); });
    emptied.get_future().wait();
  }
}

}  // namespace
}  // namespace kadenza::core
