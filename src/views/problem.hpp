// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <string_view>

#include "core/error.hpp"
#include "views/response.hpp"

namespace kadenza::views {

/// The one mapping of error codes to HTTP.
http::status to_status(core::Errc code) noexcept;

/// An answer as application/problem+json (RFC 9457).
Response problem(const core::Error& error);

/// The same for what only HTTP knows (method_not_allowed, header_too_large…).
Response problem(http::status status, std::string_view code, std::string_view detail);

}  // namespace kadenza::views
