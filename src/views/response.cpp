// SPDX-License-Identifier: AGPL-3.0-or-later
#include "views/response.hpp"

#include <algorithm>

namespace kadenza::views {

Response& Response::add(std::string_view name, std::string_view value) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  fields.append(name).append(": ").append(value);
  std::replace_if(fields.end() - std::ssize(value), fields.end(), is_control, ' ');
  fields += "\r\n";
  return *this;
}

std::uint64_t Response::length() const {
  if (const auto* stream = std::get_if<StreamBody>(&body)) return stream->length;
  return text().size();
}

std::string_view Response::text() const {
  if (const auto* view = std::get_if<std::string_view>(&body)) return *view;
  return std::get<std::string>(body);
}

Response text_response(http::status status, std::string_view content_type, std::string body) {
  Response response{status, {}, {}};
  response.add("Content-Type", content_type);
  response.body = std::move(body);
  return response;
}

Response json_response(std::string body, http::status status) {
  auto response = text_response(status, "application/json", std::move(body));
  response.add("Cache-Control", "private, no-cache");
  return response;
}

Response empty_response(http::status status) {
  return {status, {}, {}};
}

}  // namespace kadenza::views
