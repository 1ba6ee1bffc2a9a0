// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/task.hpp"
#include "views/environment.hpp"
#include "views/request.hpp"
#include "views/response.hpp"

namespace kadenza::views {

/// Who may use a route.
enum class Access : std::uint8_t {
  kOpen,
  kLogIn,
  kLogInUnlessLoopback,
  kUploader  ///< logged in with the role of an uploader or more
};

using Handler = core::Task<Response> (*)(Environment& environment, Request& request);

/// One operation of the API. docs/openapi.yaml says the same; a test compares them.
struct Route {
  http::verb method;         ///< GET answers HEAD as well
  std::string_view pattern;  ///< "/api/v1/songs/{id}/audio"
  Access access;
  Handler handler;
  /// Query parameters that the handler sees; all others are dropped. With "access_token" the log-in may come
  /// in the address (RFC 6750, section 2.3): browsers' media elements cannot set header fields.
  std::vector<std::string_view> parameters;
};

std::span<const Route> routes();

struct Found {
  const Route* route = nullptr;        ///< null: no route with this path and method
  std::vector<std::string> arguments;  ///< of the pattern's {…}
  std::string allow;                   ///< without a route: methods of the path; empty: no such path
};

/// HEAD finds GET's route. Pure.
Found find_route(std::span<const Route> routes, http::verb method, std::span<const std::string> segments);

}  // namespace kadenza::views
