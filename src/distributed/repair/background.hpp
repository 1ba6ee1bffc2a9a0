// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <deque>
#include <exception>
#include <functional>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/experimental/channel.hpp>

#include "core/task.hpp"

namespace kadenza::distributed::repair {

/// Coroutines that go on until they are stopped. On one strand.
class Background {
 public:
  explicit Background(boost::asio::any_io_executor strand)
      : strand_(std::move(strand)), ended_(strand_, 64) {}

  void spawn(std::function<core::Task<void>()> body);
  /// Resumes when all of them have ended.
  core::Task<void> stop();

 private:
  const boost::asio::any_io_executor strand_;
  std::deque<boost::asio::cancellation_signal> signals_;
  std::size_t running_ = 0;
  boost::asio::experimental::channel<void(boost::system::error_code)> ended_;
};

}  // namespace kadenza::distributed::repair
