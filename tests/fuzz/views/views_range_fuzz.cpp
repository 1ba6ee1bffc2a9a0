// SPDX-License-Identifier: AGPL-3.0-or-later
// Range, conditional and date fields: any bytes are answered, and never with bytes outside of the file.
#include <cstring>

#include "core/check.hpp"
#include "views/http_date.hpp"
#include "views/range.hpp"

using namespace kadenza;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 8) return 0;
  std::uint64_t length = 0;
  std::memcpy(&length, data, 8);
  const std::string_view text(reinterpret_cast<const char*>(data) + 8, size - 8);

  const auto answer = views::select_range(text, length);
  if (answer.kind == views::RangeAnswer::Kind::kPart) {
    KADENZA_CHECK(answer.range.length > 0 && answer.range.length <= length);
    KADENZA_CHECK(answer.range.offset <= length - answer.range.length);
  }
  const views::Validators validators{"\"tag\"", core::WallTime(std::chrono::milliseconds(1'000'000'000'000))};
  views::evaluate({.if_match = text, .if_none_match = text}, validators);
  views::evaluate({.if_modified_since = text, .if_unmodified_since = text}, validators);
  views::range_applies({.if_range = text}, validators);
  if (const auto date = views::parse_http_date(text)) {
    const auto written = views::http_date(*date);
    KADENZA_CHECK(views::parse_http_date(written) == date);
  }
  return 0;
}
