// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <string_view>

#include "core/task.hpp"
#include "views/environment.hpp"
#include "views/request.hpp"
#include "views/response.hpp"

namespace kadenza::views {

struct Dispatched {
  Response response;
  std::string_view route;  ///< the pattern, for metrics; "none" when there is no such path
};

/// From a request to its answer: route, log-in, CORS, handler. Never throws.
core::Task<Dispatched> dispatch(Environment& environment, Request& request);

}  // namespace kadenza::views
