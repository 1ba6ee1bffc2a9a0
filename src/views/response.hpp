// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include <boost/beast/http/status.hpp>

#include "core/audio_stream.hpp"

namespace kadenza::views {

namespace http = boost::beast::http;

/// A body that is not in memory.
struct StreamBody {
  std::unique_ptr<core::AudioStream> stream;  ///< null for HEAD
  std::uint64_t length = 0;
};

/// For answers that are no pages: browsers shall run and embed nothing of them.
inline constexpr std::string_view kClosedPolicy = "default-src 'none'; frame-ancestors 'none'";

/// An answer on its way to the peer; the connection adds Date, Content-Length and what all answers carry.
struct Response {
  http::status status = http::status::ok;
  std::string fields;  ///< "Name: value\r\n" each; use add()
  /// A string_view's text lives as long as the process.
  std::variant<std::string, StreamBody, std::string_view> body;
  std::string_view policy = kClosedPolicy;  ///< Content-Security-Policy

  /// `value` may come from a stranger: line breaks and other control characters become spaces.
  Response& add(std::string_view name, std::string_view value);
  std::uint64_t length() const;
  /// The body, unless it is a stream.
  std::string_view text() const;
};

Response text_response(http::status status, std::string_view content_type, std::string body);
Response json_response(std::string body, http::status status = http::status::ok);
Response empty_response(http::status status);

}  // namespace kadenza::views
