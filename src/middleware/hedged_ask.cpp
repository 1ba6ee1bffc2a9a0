// SPDX-License-Identifier: AGPL-3.0-or-later
#include "middleware/hedged_ask.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace kadenza::middleware {

namespace asio = boost::asio;

HedgedAsk::HedgedAsk(asio::any_io_executor executor, std::shared_ptr<HttpClient> http)
    : executor_(std::move(executor)), http_(std::move(http)), wake_(executor_) {}

void HedgedAsk::start(std::size_t node, Endpoint endpoint, Request request) {
  auto lane = std::make_shared<Lane>(Lane{node, std::move(request), {}});
  running_.push_back(lane);
  auto ended = [self = shared_from_this()](const std::exception_ptr& thrown) {
    if (thrown) std::rethrow_exception(thrown);
  };
  asio::co_spawn(executor_, run(std::move(lane), std::move(endpoint)), std::move(ended));
}

core::Task<void> HedgedAsk::run(std::shared_ptr<Lane> lane, Endpoint endpoint) {
  core::Result<Response> answer = co_await http_->send(std::move(endpoint), lane->request, &lane->leash);
  if (std::erase(running_, lane) == 0) co_return;  // given up: nobody waits
  finished_.push_back({lane->node, std::move(answer)});
  wake_.cancel();
}

core::Task<std::optional<HedgedAsk::Finished>> HedgedAsk::next(std::optional<core::Duration> patience) {
  if (finished_.empty() && !running_.empty()) {
    if (patience) {
      wake_.expires_after(*patience);
    } else {
      wake_.expires_at(asio::steady_timer::time_point::max());
    }
    co_await wake_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  if (finished_.empty()) co_return std::nullopt;
  std::optional<Finished> first(std::move(finished_.front()));
  finished_.pop_front();
  co_return first;
}

void HedgedAsk::abandon() {
  for (const auto& lane : std::exchange(running_, {})) lane->leash.cut();
  finished_.clear();
}

}  // namespace kadenza::middleware
