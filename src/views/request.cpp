// SPDX-License-Identifier: AGPL-3.0-or-later
#include "views/request.hpp"

#include <charconv>

#include <boost/json/parse.hpp>
#include <fmt/format.h>

namespace kadenza::views {

using core::Errc;
using core::fail;

std::optional<std::string_view> Request::field(http::field name) const {
  const auto found = fields.find(name);
  if (found == fields.end()) return std::nullopt;
  return std::string_view(found->value());
}

std::optional<std::string_view> Request::parameter(std::string_view name) const {
  for (const auto& [key, value] : target.query)
    if (key == name) return value;
  return std::nullopt;
}

std::vector<std::string> Request::parameters(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [key, value] : target.query)
    if (key == name) values.push_back(value);
  return values;
}

core::Result<std::uint64_t> Request::number(std::string_view name, std::uint64_t smallest,
                                            std::uint64_t largest, std::uint64_t otherwise) const {
  const auto text = parameter(name);
  if (!text) return otherwise;
  return parse_number(name, *text, smallest, largest);
}

core::Result<std::uint64_t> parse_number(std::string_view name, std::string_view text, std::uint64_t smallest,
                                         std::uint64_t largest) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size() || value < smallest ||
      value > largest)
    return fail(Errc::kInvalidArgument,
                fmt::format("{} must be a number from {} to {}.", name, smallest, largest));
  return value;
}

core::Result<boost::json::object> parse_json_object(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = kJsonDepthMax;
  boost::system::error_code error;
  auto value = boost::json::parse(text, error, {}, options);
  if (error) return fail(Errc::kInvalidArgument, "The body is not valid JSON: " + error.message() + ".");
  if (!value.is_object()) return fail(Errc::kInvalidArgument, "The body must be a JSON object.");
  return std::move(value.as_object());
}

core::Result<std::optional<std::string>> text_member(const boost::json::object& object,
                                                     std::string_view name) {
  const auto* value = object.if_contains(name);
  if (!value || value->is_null()) return std::nullopt;
  if (!value->is_string()) return fail(Errc::kInvalidArgument, fmt::format("\"{}\" must be a string.", name));
  const auto& text = value->as_string();
  return std::string(text.data(), text.size());
}

core::Task<core::Result<boost::json::object>> read_json(RequestBody& body, std::size_t bytes_max) {
  KADENZA_CO_TRY_VOID(body.limit(bytes_max));
  std::string text(std::min<std::uint64_t>(body.length().value_or(bytes_max), bytes_max) + 1, '\0');
  auto got = co_await body.read({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  if (!got) co_return std::unexpected(std::move(got).error());
  text.resize(*got);
  co_return parse_json_object(text);
}

}  // namespace kadenza::views
