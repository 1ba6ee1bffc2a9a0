// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/catalogue/page_filler.hpp"

#include <cstring>

#include <fmt/format.h>

namespace kadenza::services::catalogue {

core::Result<void> check_limit(const core::PageRequest& page) {
  if (page.limit >= 1 && page.limit <= core::kPageLimitMax) return {};
  return core::fail(core::Errc::kInvalidArgument, fmt::format("the limit of a page must be 1 to {}, not {}",
                                                              core::kPageLimitMax, page.limit));
}

Cursor RandomPlace::cursor() const {
  Cursor cursor{.value = place, .id = {}};
  std::memcpy(cursor.id.data(), &size, sizeof size);
  return cursor;
}

core::Result<RandomPlace> RandomPlace::of(const core::PageRequest& page, std::string_view request,
                                          std::uint64_t size) {
  if (page.cursor.empty()) return RandomPlace{0, size};
  KADENZA_TRY(const auto cursor, Cursor::parse(page.cursor, request));
  RandomPlace found{.place = cursor.value, .size = 0};
  std::memcpy(&found.size, cursor.id.data(), sizeof found.size);
  if (found.size > size || found.place > found.size)
    return core::fail(core::Errc::kInvalidArgument,
                      "the cursor is not one of this library; start again without one");
  return found;
}

}  // namespace kadenza::services::catalogue
