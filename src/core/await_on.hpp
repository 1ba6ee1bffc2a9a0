// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <exception>
#include <memory>
#include <type_traits>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "core/task.hpp"

namespace kadenza::core {

namespace detail {

struct BeginOn {
  template <class Handler, class Body>
  void operator()(Handler handler, const boost::asio::any_io_executor& executor, Body body) const {
    const auto signal = std::make_shared<boost::asio::cancellation_signal>();
    if (auto slot = boost::asio::get_associated_cancellation_slot(handler); slot.is_connected()) {
      slot.assign([signal, executor](boost::asio::cancellation_type type) {
        boost::asio::post(executor, [signal, type] { signal->emit(type); });
      });
    }
    const auto back = boost::asio::get_associated_executor(handler, executor);
    auto ended = [handler = std::move(handler), back, signal](std::exception_ptr thrown,
                                                              auto... result) mutable {
      auto resume = [handler = std::move(handler), thrown = std::move(thrown),
                     ... result = std::move(result)]() mutable {
        std::move(handler)(std::move(thrown), std::move(result)...);
      };
      boost::asio::post(back, std::move(resume));
    };
    boost::asio::co_spawn(executor, std::move(body),
                          boost::asio::bind_cancellation_slot(signal->slot(), std::move(ended)));
  }
};

template <class T>
struct CompletionOfTask {
  using Signature = void(std::exception_ptr, T);
};
template <>
struct CompletionOfTask<void> {
  using Signature = void(std::exception_ptr);
};

}  // namespace detail

/// Runs the coroutine that `body` makes on `executor`, mostly a strand that owns what it touches, and resumes
/// the caller on its own executor with the result. A caller that is cancelled cancels the coroutine, and
/// waits for its end.
///
/// Boost 1.81's own `co_await co_spawn(executor, …, use_awaitable)` hands a bare pointer to its signal to the
/// other executor, and the signal is gone when the caller goes on before that has run.
template <class Body>
std::invoke_result_t<Body&> await_on(boost::asio::any_io_executor executor, Body body) {
  using Result = typename std::invoke_result_t<Body&>::value_type;
  using Signature = typename detail::CompletionOfTask<Result>::Signature;
  co_return co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, Signature>(
      detail::BeginOn(), boost::asio::use_awaitable, std::move(executor), std::move(body));
}

}  // namespace kadenza::core
