// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "views/request.hpp"
#include "views/response.hpp"

namespace kadenza::views {

/// One file of the web player, as it was compiled into the program: all texts live as long as the process.
struct SiteFile {
  std::string_view path;  ///< "/assets/index-1a2b3c.js"
  std::string_view content_type;
  std::string_view etag;  ///< with its quotes; strong, each encoding appends its name
  bool immutable;         ///< its name changes whenever its content does
  std::string_view plain;
  std::string_view brotli;  ///< empty: not worth compressing
  std::string_view gzip;
};

/// The player's files; must contain "/index.html" unless it is empty.
using Site = std::span<const SiteFile>;

/// The answer to GET or HEAD of a file of the player, in the encoding that the browser likes best. Addresses
/// of its pages, which exist only in the browser, are answered with "/index.html" when HTML is asked for.
/// Nullopt: the player has nothing to do with the address. Pure.
std::optional<Response> site_answer(Site site, const Request& request);

}  // namespace kadenza::views
