// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/media/job_gate.hpp"

#include <algorithm>
#include <chrono>

#include <boost/asio.hpp>

namespace kadenza::services::media {

namespace asio = boost::asio;

/// Waits on its timer, which is touched under the gate's lock only: given a place, the timer expires at once,
/// also when the wait on it is yet to begin.
struct JobGate::Waiter {
  explicit Waiter(const asio::any_io_executor& executor) : timer(executor) {}
  asio::steady_timer timer;
};

core::Task<core::Result<JobGate::Slot>> JobGate::enter(core::Duration wait_max) {
  const auto executor = co_await asio::this_coro::executor;
  const auto waiter = std::make_shared<Waiter>(executor);
  {
    const std::scoped_lock lock(mutex_);
    if (free_ > 0) {
      --free_;
      co_return Slot(*this);
    }
    if (waiters_.size() >= waiting_max_) {
      co_return core::fail(core::Errc::kTooManyRequests,
                           "too many files are waiting to be parsed; try again in a moment");
    }
    waiter->timer.expires_after(wait_max);
    waiters_.push_back(waiter);
  }
  const auto begin_wait = [this, waiter](auto handler) {
    const std::scoped_lock lock(mutex_);
    waiter->timer.async_wait(std::move(handler));
  };
  constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
  const auto [error] =
      co_await asio::async_initiate<decltype(kToken), void(boost::system::error_code)>(begin_wait, kToken);
  if (!withdraw(*waiter)) co_return Slot(*this);
  if (error) co_return core::fail(core::Errc::kCancelled, "the call was cancelled");
  co_return core::fail(core::Errc::kDeadlineExceeded, "the file's turn to be parsed did not come in time");
}

std::optional<JobGate::Slot> JobGate::try_enter() {
  const std::scoped_lock lock(mutex_);
  if (free_ == 0) return std::nullopt;
  --free_;
  return Slot(*this);
}

void JobGate::leave() noexcept {
  const std::scoped_lock lock(mutex_);
  if (waiters_.empty()) {
    ++free_;
    return;
  }
  waiters_.front()->timer.expires_at(std::chrono::steady_clock::time_point::min());
  waiters_.pop_front();
}

bool JobGate::withdraw(const Waiter& waiter) noexcept {
  const std::scoped_lock lock(mutex_);
  return std::erase_if(waiters_, [&](const auto& queued) { return queued.get() == &waiter; }) > 0;
}

}  // namespace kadenza::services::media
