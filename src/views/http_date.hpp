// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "core/clock.hpp"

namespace kadenza::views {

/// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, section 5.6.7). Pure.
std::string http_date(core::WallTime time);

/// Any of the three forms that RFC 9110 wants accepted; nullopt for anything else.
std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text);

/// "1994-11-06T08:49:37.000Z" (RFC 3339).
std::string rfc3339(core::WallTime time);

}  // namespace kadenza::views
