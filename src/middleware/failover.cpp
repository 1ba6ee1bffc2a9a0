// SPDX-License-Identifier: AGPL-3.0-or-later
#include "middleware/failover.hpp"

#include <charconv>
#include <random>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>

#include "middleware/health.hpp"
#include "middleware/hedged_ask.hpp"
#include "middleware/retry.hpp"

namespace kadenza::middleware {
namespace {

namespace http = boost::beast::http;
namespace json = boost::json;

constexpr std::size_t kProblemBytesMax = 64u << 10;

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

/// What came of asking the nodes once.
struct Failover::Outcome {
  std::optional<Response> answer;
  std::optional<Response> poor;      ///< a node's word that it cannot, for when none can
  std::optional<core::Error> error;  ///< the first
  std::optional<std::chrono::seconds> retry_after;
  bool final = false;  ///< asking more nodes, or again, is no use or not allowed

  bool hopeless() const { return final || (poor && !is_elsewhere_better(poor->status())); }
  /// What is told when there is no answer. That a node does not know somebody else's log-in says nothing when
  /// the node that does know it was not reached.
  core::Result<Response> best(bool has_own_login) && {
    const bool stranger = poor && poor->status() == 401 && !has_own_login;
    if (error && (final || !poor || stranger)) return std::unexpected(std::move(*error));
    if (poor) return std::move(*poor);
    return core::fail(core::Errc::kUnavailable, "No server is known.");
  }
};

Failover::Failover(std::vector<Server> servers, HttpClient::Config config)
    : random_(std::random_device()()),
      http_(std::make_shared<HttpClient>(std::move(config))),
      book_(std::move(servers), random_) {}

void Failover::avoid(const Endpoint& endpoint) {
  if (const auto node = book_.find(endpoint)) book_.failed(*node, clock_.now());
}

void Failover::set_token(const Endpoint& endpoint, std::string token) {
  if (const auto node = book_.find(endpoint)) book_.set_token(*node, std::move(token));
}

bool Failover::has_another(const Endpoint& than) const {
  const core::Instant now = clock_.now();
  for (std::size_t i = 0; i < book_.nodes().size(); ++i) {
    if (!book_.rests(i, now) && book_[i].endpoint != than) return true;
  }
  return false;
}

Request Failover::prepared(const Request& request, std::size_t node) const {
  Request made = request;
  if (made.has_own_login) return made;
  made.head.erase(http::field::authorization);
  const std::string& token = book_.token_for(node);
  if (!token.empty()) made.head.set(http::field::authorization, "Bearer " + token);
  return made;
}

bool Failover::take(core::Result<Response> answer, std::size_t node, const Request& request,
                    const Wanted& wanted, Outcome& outcome) {
  if (!answer) {
    const bool is_nodes = answer.error().code == core::Errc::kUnavailable;  // else the body's own
    if (is_nodes) book_.failed(node, clock_.now());
    outcome.final = !is_nodes || (request.sent && !request.repeatable);
    if (!outcome.error || !is_nodes) outcome.error = std::move(answer).error();
    return outcome.final;
  }
  const unsigned status = answer->status();
  const bool overloaded = is_elsewhere_better(status);
  const bool stranger = status == 401 && (request.has_own_login || !book_.has_own_token(node));
  if (!overloaded && !stranger && (!wanted || wanted(*answer))) {
    book_.answered(node);
    outcome.answer = std::move(*answer);
    return true;
  }
  if (overloaded) {
    book_.failed(node, clock_.now());
    outcome.retry_after = retry_after(*answer);
  }
  const bool says_more = !outcome.poor || outcome.poor->status() == 401;
  if (says_more) outcome.poor = std::move(*answer);
  return false;
}

core::Task<core::Result<Response>> Failover::ask_one(std::size_t node, Request& request) {
  const Endpoint endpoint = book_[node].endpoint;
  if (book_.nodes().size() == 1) co_return co_await http_->send(endpoint, request);
  co_return co_await send_watched(http_, endpoint, request);
}

core::Task<Failover::Outcome> Failover::ask_each(Request& request, const Wanted& wanted) {
  Outcome outcome;
  const std::vector<std::size_t> nodes = order();
  for (const std::size_t node : nodes) {
    if (request.sent && request.body != nullptr) {
      if (auto back = request.body->rewind(); !back) {
        outcome.error = std::move(back).error();
        outcome.final = true;
        co_return outcome;
      }
    }
    Request attempt = prepared(request, node);
    core::Result<Response> answer = co_await ask_one(node, attempt);
    request.sent = attempt.sent;
    if (take(std::move(answer), node, request, wanted, outcome)) break;
  }
  co_return outcome;
}

core::Task<Failover::Outcome> Failover::ask_hedged(const Request& request, const Wanted& wanted) {
  constexpr std::size_t kAtOnce = 3;
  Outcome outcome;
  const auto ask = std::make_shared<HedgedAsk>(co_await boost::asio::this_coro::executor, http_);
  const std::unique_ptr<HedgedAsk, void (*)(HedgedAsk*)> at_the_end(ask.get(),
                                                                    [](HedgedAsk* end) { end->abandon(); });
  const std::vector<std::size_t> nodes = order();
  std::size_t asked = 0;
  bool overdue = true;
  while (asked < nodes.size() || ask->running() > 0) {
    const bool more = asked < nodes.size() && ask->running() < kAtOnce;
    if (more && (overdue || ask->running() == 0)) {
      const std::size_t node = nodes[asked++];
      ask->start(node, book_[node].endpoint, prepared(request, node));
      overdue = false;
      continue;
    }
    std::optional<core::Duration> patience;
    if (more) patience = hedge_after(book_[nodes[asked - 1]].round_trip, ask->running());
    std::optional<HedgedAsk::Finished> finished = co_await ask->next(patience);
    overdue = !finished;
    if (finished && take(std::move(finished->answer), finished->node, request, wanted, outcome)) break;
  }
  co_return outcome;
}

core::Task<core::Result<Response>> Failover::send(Request& request, Wanted wanted) {
  const core::Instant began = clock_.now();
  const bool hedged = request.body == nullptr && only_reads(request.head.method());
  Rounds rounds;
  while (true) {
    Outcome outcome;
    if (hedged && book_.nodes().size() > 1) {
      outcome = co_await ask_hedged(request, wanted);
    } else {
      outcome = co_await ask_each(request, wanted);
    }
    if (outcome.answer) co_return std::move(*outcome.answer);
    std::optional<core::Duration> pause;
    if (!outcome.hopeless()) pause = rounds.next(clock_.now() - began, outcome.retry_after, random_);
    if (!pause) co_return std::move(outcome).best(request.has_own_login);
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, *pause);
    co_await timer.async_wait(boost::asio::use_awaitable);
  }
}

}  // namespace kadenza::middleware
