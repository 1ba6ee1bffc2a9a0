// SPDX-License-Identifier: AGPL-3.0-or-later
#include "core/background.hpp"

#include <exception>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "core/await_on.hpp"

namespace kadenza::core {

namespace asio = boost::asio;

void Background::spawn(std::function<Task<void>()> body) {
  asio::dispatch(strand_, [this, body = std::move(body)]() mutable { begin(std::move(body)); });
}

void Background::begin(std::function<Task<void>()> body) {
  if (stopping_) return;
  auto& signal = signals_.emplace_back();
  ++running_;
  auto finished = [this](std::exception_ptr thrown) {
    const bool cancelled = stopping_;
    --running_;
    ended_.try_send(boost::system::error_code());
    if (thrown && !cancelled) std::rethrow_exception(std::move(thrown));
  };
  asio::co_spawn(strand_, std::move(body), asio::bind_cancellation_slot(signal.slot(), std::move(finished)));
}

Task<void> Background::stop() {
  auto end_all = [this]() -> Task<void> {
    stopping_ = true;
    for (auto& signal : signals_) signal.emit(asio::cancellation_type::terminal);
    while (running_ > 0) co_await ended_.async_receive(asio::use_awaitable);
  };
  co_await await_on(strand_, end_all);
}

}  // namespace kadenza::core
