// SPDX-License-Identifier: AGPL-3.0-or-later
#include "middleware/discovery.hpp"

#include <algorithm>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/parse.hpp>

#include "middleware/health.hpp"
#include "middleware/json_answers.hpp"

namespace kadenza::middleware {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace json = boost::json;

constexpr std::size_t kNetworkBytesMax = 4u << 20;
constexpr std::chrono::milliseconds kLimit{2000};
constexpr unsigned kReady = 200;
constexpr unsigned kNoNetwork = 404;

std::vector<Endpoint> endpoints_in(const std::string& text) {
  boost::system::error_code malformed;
  const json::value value = json::parse(text, malformed);
  if (malformed || !value.is_object()) return {};
  std::vector<Endpoint> found;
  for (const std::string& url : read_node_urls(value.get_object())) {
    auto endpoint = parse_endpoint(url);
    const bool fresh = endpoint && std::ranges::find(found, *endpoint) == found.end();
    if (fresh && found.size() < NodeBook::kNodesMax) found.push_back(std::move(*endpoint));
  }
  return found;
}

/// What the probes of one round share.
struct ProbeRound {
  explicit ProbeRound(const asio::any_io_executor& executor, std::size_t count)
      : done(executor, asio::steady_timer::time_point::max()), pending(count) {}
  asio::steady_timer done;
  std::size_t pending;
  bool abandoned = false;
};

core::Task<void> probe_one(std::shared_ptr<ProbeRound> round, Failover& nodes, std::size_t index,
                           std::chrono::milliseconds limit) {
  const std::optional<Health> health = co_await probe(nodes.http(), nodes.book()[index].endpoint, limit);
  if (round->abandoned) co_return;  // `nodes` may be gone
  if (health && health->status == kReady) {
    nodes.book().measured(index, health->round_trip);
  } else {
    nodes.book().failed(index, nodes.now());
  }
  if (--round->pending == 0) round->done.cancel();
}

}  // namespace

core::Task<std::optional<Lesson>> learn_nodes(Failover& nodes, std::optional<std::string> authorization) {
  Request request(http::verb::get, "/api/v1/network");
  request.timeouts = Timeouts{kLimit, kLimit};
  if (authorization) {
    request.has_own_login = true;
    request.head.set(http::field::authorization, *authorization);
  }
  core::Result<Response> answer = co_await nodes.send(request);
  if (!answer) co_return std::nullopt;
  const auto teacher = nodes.book().find(answer->endpoint());
  if (!teacher || (answer->status() != kReady && answer->status() != kNoNetwork)) co_return std::nullopt;
  Lesson lesson{nodes.book()[*teacher].origin, {}};
  const core::Result<std::string> text = co_await answer->read_all(kNetworkBytesMax);
  if (!text) co_return std::nullopt;
  if (answer->status() == kReady) lesson.nodes = endpoints_in(*text);
  for (const Endpoint& endpoint : lesson.nodes) nodes.book().learn(endpoint, *teacher);
  co_return lesson;
}

core::Task<void> probe_nodes(Failover& nodes, std::chrono::milliseconds limit) {
  const auto executor = co_await asio::this_coro::executor;
  const std::size_t count = nodes.book().nodes().size();
  const auto round = std::make_shared<ProbeRound>(executor, count);
  const std::unique_ptr<ProbeRound, void (*)(ProbeRound*)> at_the_end(
      round.get(), [](ProbeRound* ended) { ended->abandoned = true; });
  for (std::size_t i = 0; i < count; ++i) {
    auto ended = [](const std::exception_ptr& thrown) {
      if (thrown) std::rethrow_exception(thrown);
    };
    asio::co_spawn(executor, probe_one(round, nodes, i, limit), std::move(ended));
  }
  if (round->pending > 0) co_await round->done.async_wait(asio::as_tuple(asio::use_awaitable));
}

}  // namespace kadenza::middleware
