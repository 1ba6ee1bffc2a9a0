// SPDX-License-Identifier: AGPL-3.0-or-later
#include "middleware/failover.hpp"

#include <algorithm>
#include <charconv>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>

namespace kadenza::middleware {
namespace {

namespace http = boost::beast::http;
namespace json = boost::json;

constexpr std::size_t kProblemBytesMax = 64u << 10;

bool is_elsewhere_better(unsigned status) {
  return status == 502 || status == 503 || status == 504;
}

std::optional<std::chrono::seconds> retry_after(const Response& response) {
  const std::string_view text = response.header(http::field::retry_after);
  unsigned seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return std::chrono::seconds(seconds);
}

core::Errc code_of_status(unsigned status) {
  switch (status) {
    case 401:
      return core::Errc::kUnauthenticated;
    case 403:
      return core::Errc::kForbidden;
    case 404:
      return core::Errc::kNotFound;
    case 409:
      return core::Errc::kConflict;
    case 413:
      return core::Errc::kTooLarge;
    case 415:
      return core::Errc::kUnsupportedMedia;
    case 429:
      return core::Errc::kTooManyRequests;
    case 507:
      return core::Errc::kNoSpace;
    case 502:
    case 503:
    case 504:
      return core::Errc::kUnavailable;
    default:
      return status < 500 ? core::Errc::kInvalidArgument : core::Errc::kInternal;
  }
}

}  // namespace

core::Task<core::Result<core::Error>> read_problem(Response& response) {
  core::Error problem{
      code_of_status(response.status()),
      fmt::format("{} answered with status {}.", response.endpoint().url(), response.status())};
  KADENZA_CO_TRY(const std::string body, co_await response.read_all(kProblemBytesMax));
  boost::system::error_code malformed;
  const json::value value = json::parse(body, malformed);
  const json::object* object = malformed ? nullptr : value.if_object();
  if (object == nullptr) co_return problem;
  if (const json::value* code = object->if_contains("code"); code != nullptr && code->is_string()) {
    problem.code = core::parse_errc(std::string_view(code->get_string())).value_or(problem.code);
  }
  if (const json::value* detail = object->if_contains("detail"); detail != nullptr && detail->is_string()) {
    problem.detail = std::string(detail->get_string());
  }
  co_return problem;
}

Failover::Failover(std::vector<Server> servers, HttpClient::Config config)
    : http_(std::move(config)), servers_(std::move(servers)), avoid_until_(servers_.size()) {}

void Failover::avoid(const Endpoint& endpoint) {
  const auto server = std::ranges::find(servers_, endpoint, &Server::endpoint);
  if (server == servers_.end()) return;
  avoid_until_[static_cast<std::size_t>(server - servers_.begin())] =
      std::chrono::steady_clock::now() + kAvoidFor;
}

void Failover::set_token(const Endpoint& endpoint, std::string token) {
  const auto server = std::ranges::find(servers_, endpoint, &Server::endpoint);
  if (server != servers_.end()) server->token = std::move(token);
}

std::vector<std::size_t> Failover::order() const {
  const auto now = std::chrono::steady_clock::now();
  std::vector<std::size_t> order(servers_.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = (preferred_ + i) % order.size();
  std::ranges::stable_partition(order, [&](std::size_t server) { return avoid_until_[server] <= now; });
  return order;
}

core::Task<Failover::Outcome> Failover::try_each(Request& request) {
  Outcome outcome;
  outcome.error = {core::Errc::kUnavailable, "No server is known."};
  for (const std::size_t index : order()) {
    const Server& server = servers_[index];
    request.head.erase(http::field::authorization);
    if (!server.token.empty()) request.head.set(http::field::authorization, "Bearer " + server.token);
    if (request.sent && request.body != nullptr) {
      if (auto back = request.body->rewind(); !back) {
        outcome.error = std::move(back).error();
        co_return outcome;
      }
    }
    core::Result<Response> answer = co_await http_.send(server.endpoint, request);
    if (answer && !is_elsewhere_better(answer->status())) {
      preferred_ = index;
      outcome.answer = std::move(*answer);
      co_return outcome;
    }
    avoid(server.endpoint);
    if (answer) {
      outcome.retry_after = retry_after(*answer);
      core::Result<core::Error> problem = co_await read_problem(*answer);
      outcome.error = problem ? std::move(*problem) : std::move(problem).error();
    } else {
      outcome.error = std::move(answer).error();
      if (outcome.error.code != core::Errc::kUnavailable)
        co_return outcome;  // the body's own: the same everywhere
      if (request.sent && !request.repeatable) co_return outcome;
    }
  }
  co_return outcome;
}

core::Task<core::Result<Response>> Failover::send(Request& request) {
  Outcome outcome = co_await try_each(request);
  if (!outcome.answer && outcome.retry_after) {
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
    timer.expires_after(std::min<std::chrono::seconds>(*outcome.retry_after, kLongestWait));
    co_await timer.async_wait(boost::asio::use_awaitable);
    outcome = co_await try_each(request);
  }
  if (!outcome.answer) co_return std::unexpected(std::move(outcome.error));
  co_return std::move(*outcome.answer);
}

}  // namespace kadenza::middleware
