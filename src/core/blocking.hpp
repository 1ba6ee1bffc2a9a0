// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <type_traits>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "core/task.hpp"

namespace kadenza::core {

/// Runs `work`, which may block, on `executor` and resumes the caller on its own executor with the result.
/// Not interruptible: a caller that is cancelled meanwhile still waits for `work` to end.
template <class Work>
Task<std::invoke_result_t<Work>> run_on(boost::asio::any_io_executor executor, Work work) {
  auto body = [work = std::move(work)]() mutable -> Task<std::invoke_result_t<Work>> { co_return work(); };
  // Without a slot of its own the inner coroutine would take part in the caller's cancellation and throw.
  auto uninterrupted =
      boost::asio::bind_cancellation_slot(boost::asio::cancellation_slot(), boost::asio::use_awaitable);
  co_return co_await boost::asio::co_spawn(executor, std::move(body), std::move(uninterrupted));
}

}  // namespace kadenza::core
