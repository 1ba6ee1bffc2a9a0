// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace kadenza::services::catalogue {

/// Where a list goes on: after the row with this value and id. As text it also carries a mark of the request
/// it belongs to, so that a cursor of another list is refused instead of answering nonsense.
struct Cursor {
  std::uint64_t value = 0;
  std::array<std::uint8_t, 32> id{};

  /// `request`: all that names the list, the same for each of its pages.
  std::string text(std::string_view request) const;
  /// kInvalidArgument when `text` is not a cursor of `request`.
  static core::Result<Cursor> parse(std::string_view text, std::string_view request);
};

}  // namespace kadenza::services::catalogue
