// SPDX-License-Identifier: AGPL-3.0-or-later
// Log-in, log-out, one-time codes.
#include "views/answer.hpp"
#include "views/handlers.hpp"
#include "views/http_date.hpp"

namespace kadenza::views {

using core::Errc;
using core::fail;

namespace {

/// How long accounts promise a code to be valid ("a few minutes"), as told to people.
constexpr std::chrono::seconds kCodeLifetime = std::chrono::minutes(5);

std::string_view name_of(core::Role role) {
  switch (role) {
    case core::Role::kAdmin:
      return "admin";
    case core::Role::kUploader:
      return "uploader";
    case core::Role::kListener:
      break;
  }
  return "listener";
}

struct Credentials {
  std::optional<std::string> user, password, code;
};

core::Result<Credentials> credentials_of(const boost::json::object& object) {
  Credentials credentials;
  KADENZA_TRY(credentials.user, text_member(object, "user"));
  KADENZA_TRY(credentials.password, text_member(object, "password"));
  KADENZA_TRY(credentials.code, text_member(object, "code"));
  if (!credentials.code && !(credentials.user && credentials.password))
    return fail(Errc::kInvalidArgument, "The log-in needs \"user\" and \"password\", or \"code\".");
  return credentials;
}

core::Task<core::Result<core::Session>> log_in(Environment& environment, Request& request) {
  auto object = co_await read_json(request.body, environment.options.limits.json_bytes);
  if (!object) co_return std::unexpected(std::move(object).error());
  auto credentials = credentials_of(*object);
  if (!credentials) co_return std::unexpected(std::move(credentials).error());
  if (credentials->code)
    co_return co_await environment.accounts.redeem(std::move(*credentials->code), request.deadline);
  co_return co_await environment.accounts.log_in(std::move(*credentials->user),
                                                 std::move(*credentials->password), request.deadline);
}

}  // namespace

core::Task<Response> post_session(Environment& environment, Request& request) {
  const auto session = co_await log_in(environment, request);
  if (!session) {
    if (session.error().code == Errc::kUnauthenticated) environment.metrics.log_in_failed();
    co_return problem(session.error());
  }
  JsonWriter json;
  json.begin_object().member("token", session->token).member("user", session->principal.user);
  json.member("role", name_of(session->principal.role))
      .member("expires", rfc3339(session->expires))
      .end_object();
  auto response = text_response(http::status::created, "application/json", json.take());
  response.add("Cache-Control", "no-store");
  co_return response;
}

core::Task<Response> get_session(Environment&, Request& request) {
  JsonWriter json;
  json.begin_object()
      .member("user", request.principal->user)
      .member("role", name_of(request.principal->role));
  co_return json_response(json.end_object().take());
}

core::Task<Response> delete_session(Environment& environment, Request& request) {
  const auto done = co_await environment.accounts.log_out(request.token, request.deadline);
  co_return done ? empty_response(http::status::no_content) : problem(done.error());
}

core::Task<Response> post_session_code(Environment& environment, Request& request) {
  const auto code = co_await environment.accounts.one_time_code(*request.principal, request.deadline);
  if (!code) co_return problem(code.error());
  JsonWriter json;
  json.begin_object().member("code", *code).member("expires_in_s", kCodeLifetime.count()).end_object();
  auto response = text_response(http::status::created, "application/json", json.take());
  response.add("Cache-Control", "no-store");
  co_return response;
}

}  // namespace kadenza::views
