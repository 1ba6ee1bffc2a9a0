// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.hpp"

namespace kadenza::views {

/// A request target taken apart and percent-decoded; every text is valid UTF-8 without NUL.
struct Target {
  std::vector<std::string> segments;                       ///< "/a/b%2Fc" → "a", "b/c"
  std::vector<std::pair<std::string, std::string>> query;  ///< in order; "+" means a space
};

/// Origin-form ("/path?query") or absolute-form ("http://host/path?query") of RFC 9112, section 3.2, strictly
/// by RFC 3986. kInvalidArgument says what is wrong. Pure.
core::Result<Target> parse_target(std::string_view raw);

/// Whether the text is well-formed UTF-8 without NUL.
bool is_clean_utf8(std::string_view text);

/// Unicode code points in the first `bytes` bytes of a UTF-8 text.
std::size_t code_points(std::string_view text, std::size_t bytes);

/// The target as it may be logged: the value of access_token replaced.
std::string redacted(std::string_view raw_target);

}  // namespace kadenza::views
