// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include "views/json.hpp"
#include "views/problem.hpp"

namespace kadenza::views {

/// What the library said, as JSON or as a problem.
template <class T>
Response answer(const core::Result<T>& result) {
  return result ? json_response(to_json(*result)) : problem(result.error());
}

}  // namespace kadenza::views
