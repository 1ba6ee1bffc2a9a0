// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/experimental/channel.hpp>

#include "core/task.hpp"

namespace kadenza::core {

/// Coroutines that go on until they are stopped. They run on the strand that it is given; its functions may
/// be called on any thread. Must live until stop() has answered.
///
/// What one of them throws by itself is a fault of this program, and goes on to whoever runs the strand; what
/// it throws because it was cancelled is its end (several awaited at once throw other than one does).
class Background {
 public:
  explicit Background(boost::asio::any_io_executor strand)
      : strand_(std::move(strand)), ended_(strand_, 64) {}

  void spawn(std::function<Task<void>()> body);
  /// Cancels all, and resumes when they have ended; nothing is begun any more. Once.
  Task<void> stop();

 private:
  void begin(std::function<Task<void>()> body);

  const boost::asio::any_io_executor strand_;
  // On the strand:
  std::deque<boost::asio::cancellation_signal> signals_;
  std::size_t running_ = 0;
  bool stopping_ = false;
  boost::asio::experimental::channel<void(boost::system::error_code)> ended_;
};

}  // namespace kadenza::core
