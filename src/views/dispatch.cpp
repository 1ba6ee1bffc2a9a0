// SPDX-License-Identifier: AGPL-3.0-or-later
#include "views/dispatch.hpp"

#include <algorithm>

#include <boost/beast/core/string.hpp>
#include <boost/system/system_error.hpp>
#include <spdlog/spdlog.h>

#include "views/problem.hpp"
#include "views/router.hpp"

namespace kadenza::views {

using core::Errc;
using core::fail;

namespace {

constexpr std::string_view kTokenParameter = "access_token";

bool takes(const Route& route, std::string_view parameter) {
  return std::find(route.parameters.begin(), route.parameters.end(), parameter) != route.parameters.end();
}

/// The log-in of the request: from the header field, or from the address where the route takes it there.
core::Result<std::string> presented_token(const Route& route, const Request& request) {
  constexpr std::string_view kBearer = "bearer ";
  if (const auto field = request.field(http::field::authorization)) {
    if (!boost::beast::iequals(field->substr(0, kBearer.size()), kBearer))
      return fail(Errc::kUnauthenticated, "Only bearer tokens are accepted: Authorization: Bearer TOKEN.");
    return std::string(field->substr(field->find_last_of(' ') + 1));
  }
  if (takes(route, kTokenParameter))
    if (const auto parameter = request.parameter(kTokenParameter)) return std::string(*parameter);
  return fail(Errc::kUnauthenticated, "A log-in is needed: send Authorization: Bearer TOKEN.");
}

core::Result<void> authorise(Environment& environment, const Route& route, Request& request) {
  if (route.access == Access::kOpen) return {};
  if (route.access == Access::kLogInUnlessLoopback && request.from_loopback) return {};
  KADENZA_TRY(request.token, presented_token(route, request));
  auto principal = environment.accounts.authenticate(request.token);
  if (!principal) {
    environment.metrics.log_in_failed();
    return std::unexpected(std::move(principal).error());
  }
  if (route.access == Access::kUploader && principal->role < core::Role::kUploader)
    return fail(Errc::kForbidden, "This user may listen, but not upload.");
  request.principal = std::move(*principal);
  return {};
}

bool is_allowed_origin(const HttpOptions& options, std::string_view origin) {
  const auto& allowed = options.allowed_origins;
  return std::any_of(allowed.begin(), allowed.end(),
                     [&](const auto& one) { return one == "*" || boost::beast::iequals(one, origin); });
}

/// Lets pages of the allowed origins read what the API answers (the Fetch standard's CORS protocol).
void add_cors(const Environment& environment, const Request& request, Response& response) {
  const auto& path = request.target.segments;
  if (environment.options.allowed_origins.empty() || path.empty() || path.front() != "api") return;
  response.add("Vary", "Origin");
  const auto origin = request.field(http::field::origin);
  if (!origin || !is_allowed_origin(environment.options, *origin)) return;
  response.add("Access-Control-Allow-Origin", *origin);
  response.add(
      "Access-Control-Expose-Headers",
      "Accept-Ranges, Content-Disposition, Content-Range, ETag, Last-Modified, Location, Retry-After, "
      "X-Request-Id");
}

Response options_response(const Request& request, const std::string& allow) {
  auto response = empty_response(http::status::no_content);
  response.add("Allow", allow);
  if (!request.field(http::field::access_control_request_method)) return response;
  response.add("Access-Control-Allow-Methods", allow);
  response.add("Access-Control-Allow-Headers",
               "Authorization, Content-Type, If-Match, If-Modified-Since, If-None-Match, If-Range, Range, "
               "X-Request-Id");
  response.add("Access-Control-Max-Age", "600");
  return response;
}

Response without_route(const Request& request, const std::string& allow) {
  if (allow.empty()) return problem({Errc::kNotFound, "There is nothing at this address."});
  if (request.method == http::verb::options) return options_response(request, allow);
  auto response = problem(http::status::method_not_allowed, "method_not_allowed",
                          "This address does not take the method; it takes " + allow + ".");
  response.add("Allow", allow);
  return response;
}

core::Task<Response> handle(Environment& environment, Request& request, const Route& route) {
  std::string failure;
  try {
    co_return co_await route.handler(environment, request);
  } catch (const boost::system::system_error& error) {
    if (error.code() == boost::asio::error::operation_aborted)
      co_return problem({Errc::kCancelled, "The node is stopping."});
    failure = error.what();
  } catch (const std::exception& error) {
    failure = error.what();
  }
  spdlog::error("{} {} failed: {}", std::string_view(http::to_string(route.method)), route.pattern, failure);
  co_return problem({Errc::kInternal, "The node failed to answer; its log says why."});
}

}  // namespace

core::Task<Dispatched> dispatch(Environment& environment, Request& request) {
  auto found = find_route(routes(), request.method, request.target.segments);
  Dispatched done{{}, "none"};
  auto page = found.route || !found.allow.empty() ? std::nullopt : site_answer(environment.site, request);
  if (page) {
    done.route = "player";
    done.response = std::move(*page);
  } else if (!found.route) {
    done.response = without_route(request, found.allow);
  } else {
    done.route = found.route->pattern;
    request.arguments = std::move(found.arguments);
    std::erase_if(request.target.query, [&](const auto& pair) { return !takes(*found.route, pair.first); });
    const auto authorised = authorise(environment, *found.route, request);
    if (authorised) {
      done.response = co_await handle(environment, request, *found.route);
    } else {
      done.response = problem(authorised.error());
    }
  }
  add_cors(environment, request, done.response);
  co_return done;
}

}  // namespace kadenza::views
