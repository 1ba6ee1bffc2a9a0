// SPDX-License-Identifier: AGPL-3.0-or-later
#include "middleware/health.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace kadenza::middleware {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

constexpr std::chrono::milliseconds kProbeEvery{1000};
constexpr std::chrono::milliseconds kProbeLimit{1500};
constexpr unsigned kSilentProbesMax = 2;
constexpr std::size_t kAnswerBytesMax = 64u << 10;

/// What the exchange and its watcher share.
struct Watch {
  explicit Watch(const asio::any_io_executor& executor) : timer(executor) {}
  asio::steady_timer timer;
  Leash leash;
  bool over = false;
};

core::Task<void> watch(std::shared_ptr<Watch> watched, std::shared_ptr<HttpClient> http, Endpoint endpoint) {
  for (unsigned silent = 0; silent < kSilentProbesMax;) {
    watched->timer.expires_after(kProbeEvery);
    co_await watched->timer.async_wait(asio::as_tuple(asio::use_awaitable));
    if (watched->over) co_return;
    const std::optional<Health> health = co_await probe(http, endpoint, kProbeLimit);
    if (watched->over) co_return;
    silent = health ? 0 : silent + 1;
  }
  watched->leash.cut();
}

/// Ends the watch with the exchange, however that ends.
struct EndOfWatch {
  std::shared_ptr<Watch> watched;
  explicit EndOfWatch(std::shared_ptr<Watch> of) : watched(std::move(of)) {}
  EndOfWatch(const EndOfWatch&) = delete;
  EndOfWatch& operator=(const EndOfWatch&) = delete;
  ~EndOfWatch() {
    watched->over = true;
    watched->timer.cancel();
  }
};

}  // namespace

core::Task<std::optional<Health>> probe(std::shared_ptr<HttpClient> http, Endpoint endpoint,
                                        std::chrono::milliseconds limit) {
  Request request(http::verb::get, "/readyz");
  request.timeouts = Timeouts{limit, limit};
  const auto asked = std::chrono::steady_clock::now();
  core::Result<Response> answer = co_await http->send(std::move(endpoint), request);
  if (!answer) co_return std::nullopt;
  const core::Result<std::string> body = co_await answer->read_all(kAnswerBytesMax);
  if (!body) co_return std::nullopt;
  co_return Health{answer->status(), std::chrono::steady_clock::now() - asked};
}

core::Task<core::Result<Response>> send_watched(std::shared_ptr<HttpClient> http, Endpoint endpoint,
                                                Request& request) {
  const auto executor = co_await asio::this_coro::executor;
  const auto watched = std::make_shared<Watch>(executor);
  const EndOfWatch end(watched);
  auto ended = [](const std::exception_ptr& thrown) {
    if (thrown) std::rethrow_exception(thrown);
  };
  asio::co_spawn(executor, watch(watched, http, endpoint), std::move(ended));
  co_return co_await http->send(std::move(endpoint), request, &watched->leash);
}

}  // namespace kadenza::middleware
