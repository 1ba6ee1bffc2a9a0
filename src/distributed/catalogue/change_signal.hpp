// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <list>
#include <memory>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/experimental/channel.hpp>

#include "core/clock.hpp"
#include "core/task.hpp"
#include "core/timers.hpp"

namespace kadenza::distributed::catalogue {

/// Wakes whoever waits for something to have changed. On one strand.
class ChangeSignal {
 public:
  ChangeSignal(boost::asio::any_io_executor strand, core::Timers& timers)
      : strand_(std::move(strand)), timers_(timers) {}

  std::uint64_t count() const noexcept { return count_; }
  void raise();
  /// Until raise() has been called since count() was `seen`, or it is `until`.
  core::Task<void> wait(std::uint64_t seen, core::Instant until);

 private:
  using Channel = boost::asio::experimental::channel<void(boost::system::error_code)>;

  boost::asio::any_io_executor strand_;
  core::Timers& timers_;
  std::uint64_t count_ = 0;
  std::list<std::weak_ptr<Channel>> waiting_;
};

}  // namespace kadenza::distributed::catalogue
