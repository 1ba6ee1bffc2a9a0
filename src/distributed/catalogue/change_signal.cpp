// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/catalogue/change_signal.hpp"

#include <tuple>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace kadenza::distributed::catalogue {

void ChangeSignal::raise() {
  ++count_;
  for (const auto& waiting : std::exchange(waiting_, {}))
    if (const auto channel = waiting.lock()) channel->try_send(boost::system::error_code());
}

core::Task<void> ChangeSignal::wait(std::uint64_t seen, core::Instant until) {
  if (count_ != seen) co_return;
  const auto channel = std::make_shared<Channel>(strand_, 2);
  const auto here = waiting_.insert(waiting_.end(), channel);
  // Shared with the coroutine that listens to it, which may end later.
  const auto sleeping = std::make_shared<boost::asio::cancellation_signal>();
  auto time_out = [&timers = timers_, channel, until, sleeping]() -> core::Task<void> {
    co_await timers.sleep_until(until);
    channel->try_send(boost::system::error_code());
  };
  boost::asio::co_spawn(strand_, std::move(time_out),
                        boost::asio::bind_cancellation_slot(sleeping->slot(), boost::asio::detached));
  struct AtTheEnd {
    ChangeSignal& signal;
    std::uint64_t count;
    std::list<std::weak_ptr<Channel>>::iterator here;
    std::shared_ptr<boost::asio::cancellation_signal> sleeping;
    ~AtTheEnd() {
      if (signal.count_ == count) signal.waiting_.erase(here);
      sleeping->emit(boost::asio::cancellation_type::terminal);
    }
  };
  const AtTheEnd at_the_end{*this, seen, here, sleeping};
  const auto error =
      std::get<0>(co_await channel->async_receive(boost::asio::as_tuple(boost::asio::use_awaitable)));
  if (error) throw boost::system::system_error(boost::asio::error::operation_aborted);
}

}  // namespace kadenza::distributed::catalogue
