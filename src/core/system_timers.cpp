// SPDX-License-Identifier: AGPL-3.0-or-later
#include "core/system_timers.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace kadenza::core {

Task<void> SystemTimers::sleep_until(Instant when) {
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
  timer.expires_at(std::chrono::steady_clock::time_point(when.time_since_epoch()));
  co_await timer.async_wait(boost::asio::use_awaitable);
}

}  // namespace kadenza::core
