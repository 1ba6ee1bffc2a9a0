// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "core/clock.hpp"
#include "middleware/http_client.hpp"

namespace kadenza::middleware {

/// One question under way at several nodes at once. Answers come out in the order in which they arrive; what
/// nobody waits for any more is given up. One thread, its executor's; kept alive by what is under way.
class HedgedAsk : public std::enable_shared_from_this<HedgedAsk> {
 public:
  struct Finished {
    std::size_t node;
    core::Result<Response> answer;
  };

  HedgedAsk(boost::asio::any_io_executor executor, std::shared_ptr<HttpClient> http);

  /// Asks `node`, too. The request has no body.
  void start(std::size_t node, Endpoint endpoint, Request request);
  std::size_t running() const noexcept { return running_.size(); }
  /// The next that has ended; none when that takes longer than `patience`.
  core::Task<std::optional<Finished>> next(std::optional<core::Duration> patience);
  /// Gives up whatever is under way.
  void abandon();

 private:
  struct Lane {
    std::size_t node;
    Request request;
    Leash leash;
  };
  core::Task<void> run(std::shared_ptr<Lane> lane, Endpoint endpoint);

  boost::asio::any_io_executor executor_;
  std::shared_ptr<HttpClient> http_;
  boost::asio::steady_timer wake_;
  std::vector<std::shared_ptr<Lane>> running_;
  std::deque<Finished> finished_;
};

}  // namespace kadenza::middleware
