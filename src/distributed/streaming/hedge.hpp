// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/task.hpp"
#include "core/timers.hpp"

namespace kadenza::distributed::streaming {

/// Hedged requests (Dean and Barroso, "The Tail at Scale", 2013): makes attempts one after the other, the
/// next as soon as the newest one has failed or has been out for its patience. The first success ends and
/// cancels all others; when every attempt has failed, the error is that of the one that failed last.
///
/// Must be awaited on a strand or a single thread; the attempts run there too. The state that they share
/// lives until the last of them has ended, so they own what they use.
template <class T>
class Hedge {
 public:
  using Attempt = std::function<core::Task<core::Result<T>>(std::size_t)>;
  using Patience = std::function<core::Duration(std::size_t)>;

  /// `attempts`: how many at most, at least 1.
  static core::Task<core::Result<T>> run(const core::Clock& clock, core::Timers& timers, std::size_t attempts,
                                         Patience patience, Attempt attempt) {
    const auto state =
        std::make_shared<State>(co_await boost::asio::this_coro::executor, attempts, std::move(attempt));
    const CancelAll at_the_end{*state};
    std::size_t started = 0;
    std::size_t failed = 0;
    const auto start_next = [&] {
      start(state, started);
      if (started + 1 < attempts) start_patience(state, started, timers, clock.now() + patience(started));
      ++started;
    };
    start_next();
    while (true) {
      Event event = co_await state->events.async_receive(boost::asio::use_awaitable);
      if (event.result && *event.result) co_return std::move(*event.result);
      if (event.result) ++failed;
      const bool newest = event.attempt + 1 == started;
      if (newest && started < attempts) {
        start_next();
      } else if (failed == attempts) {
        co_return std::move(*event.result);
      }
    }
  }

 private:
  struct Event {
    std::size_t attempt = 0;
    std::optional<core::Result<T>> result;  ///< none: its patience is over
  };
  struct State {
    State(boost::asio::any_io_executor on, std::size_t attempts, Attempt make)
        : executor(std::move(on)), attempt(std::move(make)), events(executor, 2 * attempts) {}

    boost::asio::any_io_executor executor;
    Attempt attempt;
    boost::asio::experimental::channel<void(boost::system::error_code, Event)> events;
    std::deque<boost::asio::cancellation_signal> signals;
  };
  struct CancelAll {
    State& state;
    ~CancelAll() {
      for (auto& signal : state.signals) signal.emit(boost::asio::cancellation_type::terminal);
    }
  };

  static void spawn(const std::shared_ptr<State>& state, std::function<core::Task<void>()> body) {
    auto& signal = state->signals.emplace_back();
    boost::asio::co_spawn(state->executor, std::move(body),
                          boost::asio::bind_cancellation_slot(signal.slot(), boost::asio::detached));
  }

  static void start(const std::shared_ptr<State>& state, std::size_t index) {
    spawn(state, [state, index]() -> core::Task<void> {
      auto result = co_await state->attempt(index);
      state->events.try_send(boost::system::error_code(), Event{index, std::move(result)});
    });
  }

  static void start_patience(const std::shared_ptr<State>& state, std::size_t index, core::Timers& timers,
                             core::Instant until) {
    spawn(state, [state, index, &timers, until]() -> core::Task<void> {
      co_await timers.sleep_until(until);
      state->events.try_send(boost::system::error_code(), Event{index, std::nullopt});
    });
  }
};

}  // namespace kadenza::distributed::streaming
