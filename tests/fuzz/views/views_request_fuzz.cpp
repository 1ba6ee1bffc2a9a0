// SPDX-License-Identifier: AGPL-3.0-or-later
// Addresses and JSON bodies of requests.
#include <boost/json/serialize.hpp>

#include "core/check.hpp"
#include "views/request.hpp"
#include "views/router.hpp"

using namespace kadenza::views;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto target = parse_target(text)) {
    for (const auto& segment : target->segments) KADENZA_CHECK(is_clean_utf8(segment));
    for (const auto& [name, value] : target->query)
      KADENZA_CHECK(is_clean_utf8(name) && is_clean_utf8(value));
    find_route(routes(), http::verb::get, target->segments);
  }
  redacted(text);
  code_points(text, size / 2);
  if (const auto object = parse_json_object(text)) {
    text_member(*object, "user");
    KADENZA_CHECK(parse_json_object(boost::json::serialize(*object)));
  }
  return 0;
}
