// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include <boost/asio.hpp>

#include "core/task.hpp"

namespace kadenza::sim {

/// A coroutine that waits for a T, held by whoever will complete it. Owning it owns the coroutine: destroying
/// a suspension that was not resumed destroys the frames behind it, so it must go before its io_context does.
template <class T>
class Suspension {
 public:
  Suspension() = default;
  explicit operator bool() const { return static_cast<bool>(resume_); }

  /// Queues the coroutine on its executor, with the value. At most once.
  void resume(T value) {
    if (cancellation_.is_connected()) cancellation_.clear();
    auto resume = std::exchange(resume_, nullptr);
    resume(std::move(value));
  }

  /// Suspends the calling coroutine and gives `store` its Suspension; `cancel` is called when the coroutine
  /// is cancelled, and has to resume it.
  template <class Store, class Cancel>
  static core::Task<T> suspend(Store store, Cancel cancel) {
    return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(T)>(
        [](auto handler, Store keep, Cancel on_cancel) {
          Suspension suspension;
          suspension.cancellation_ = boost::asio::get_associated_cancellation_slot(handler);
          if (suspension.cancellation_.is_connected()) {
            suspension.cancellation_.assign(
                [on_cancel](boost::asio::cancellation_type) mutable { on_cancel(); });
          }
          auto executor = boost::asio::get_associated_executor(handler);
          suspension.resume_ = [executor, waiting = std::move(handler)](T value) mutable {
            boost::asio::post(executor, [waiting = std::move(waiting), value = std::move(value)]() mutable {
              std::move(waiting)(std::move(value));
            });
          };
          keep(std::move(suspension));
        },
        boost::asio::use_awaitable, std::move(store), std::move(cancel));
  }

 private:
  std::move_only_function<void(T)> resume_;
  boost::asio::cancellation_slot cancellation_;
};

}  // namespace kadenza::sim
