// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "core/error.hpp"
#include "core/task.hpp"
#include "distributed/placement/directory.hpp"

namespace kadenza::distributed::documents {

template <class T>
struct Answer {
  placement::Candidate from;
  T value;
};

template <class T>
struct Gathered {
  std::vector<Answer<T>> answers;
  core::Error last_error;  ///< of the last candidate that failed
};

/// Asks the candidates in their order, `width` of them at once; in the place of each that fails or whose
/// answer does not count, the next one is asked. Answers as soon as `wanted` answers count, or nobody is
/// left. Those that are still being asked then go on to their own end. On `strand`, as the caller; `call`
/// must keep alive what it uses.
template <class T>
core::Task<Gathered<T>> gather(boost::asio::strand<boost::asio::any_io_executor> strand,
                               std::vector<placement::Candidate> candidates, std::size_t width,
                               std::size_t wanted, std::function<bool(const T&)> counts,
                               std::function<core::Task<core::Result<T>>(placement::Candidate)> call) {
  namespace asio = boost::asio;
  struct Event {
    std::size_t candidate = 0;
    core::Result<T> result;
  };
  using Channel = asio::experimental::channel<asio::strand<asio::any_io_executor>,
                                              void(boost::system::error_code, std::shared_ptr<Event>)>;
  const auto events = std::make_shared<Channel>(strand, candidates.size());
  std::size_t next = 0, running = 0, counted = 0;
  const auto ask_next = [&] {
    if (next == candidates.size()) return;
    ++running;
    auto ask = [events, call, index = next, candidate = candidates[next]]() -> core::Task<void> {
      auto result = co_await call(candidate);
      events->try_send(boost::system::error_code(), std::make_shared<Event>(Event{index, std::move(result)}));
    };
    ++next;
    asio::co_spawn(strand, std::move(ask), asio::detached);
  };
  Gathered<T> gathered;
  for (std::size_t i = 0; i < width; ++i) ask_next();
  while (running > 0 && counted < wanted) {
    const auto event = co_await events->async_receive(asio::use_awaitable);
    --running;
    const bool counting = event->result && counts(*event->result);
    if (event->result) {
      gathered.answers.push_back({candidates[event->candidate], std::move(*event->result)});
    } else {
      gathered.last_error = std::move(event->result).error();
    }
    if (counting) {
      ++counted;
    } else {
      ask_next();
    }
  }
  co_return gathered;
}

}  // namespace kadenza::distributed::documents
