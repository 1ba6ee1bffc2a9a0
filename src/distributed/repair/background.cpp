// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/repair/background.hpp"

#include <utility>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

namespace kadenza::distributed::repair {
namespace {

namespace asio = boost::asio;

/// A cancelled coroutine leaves by an exception; any other one is a fault of this program.
void rethrow_unless_cancelled(std::exception_ptr thrown) {
  if (!thrown) return;
  try {
    std::rethrow_exception(std::move(thrown));
  } catch (const boost::system::system_error& error) {
    if (error.code() != asio::error::operation_aborted) throw;
  }
}

}  // namespace

void Background::spawn(std::function<core::Task<void>()> body) {
  auto& signal = signals_.emplace_back();
  ++running_;
  auto finished = [this](std::exception_ptr thrown) {
    --running_;
    ended_.try_send(boost::system::error_code());
    rethrow_unless_cancelled(std::move(thrown));
  };
  asio::co_spawn(strand_, std::move(body), asio::bind_cancellation_slot(signal.slot(), std::move(finished)));
}

core::Task<void> Background::stop() {
  for (auto& signal : signals_) signal.emit(asio::cancellation_type::terminal);
  while (running_ > 0) co_await ended_.async_receive(asio::use_awaitable);
}

}  // namespace kadenza::distributed::repair
