// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/verb.hpp>
#include <boost/json/object.hpp>

#include "core/accounts.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/task.hpp"
#include "views/url.hpp"

namespace kadenza::views {

namespace http = boost::beast::http;

/// The body of a request, read as the handler asks for it.
class RequestBody {
 public:
  virtual ~RequestBody() = default;

  /// Fills `out` wholly unless the body ends; 0 = it has ended. kInvalidArgument when it is cut or malformed,
  /// kTooLarge over `limit()`, kDeadlineExceeded when nothing more came.
  virtual core::Task<core::Result<std::size_t>> read(std::span<std::uint8_t> out) = 0;
  /// Of the whole body, when the peer said so.
  virtual std::optional<std::uint64_t> length() const = 0;
  /// The largest body that read() accepts; kTooLarge at once when length() is over it.
  virtual core::Result<void> limit(std::uint64_t bytes) = 0;
};

/// One request as handlers see it. Lives on its connection's strand until the answer is sent.
struct Request {
  http::verb method = http::verb::get;
  Target target;
  std::vector<std::string> arguments;  ///< what stands for the {…} of the route's pattern
  const http::fields& fields;
  RequestBody& body;
  core::Instant deadline{};                  ///< for calls of the library
  std::string token;                         ///< as presented; may be empty
  std::optional<core::Principal> principal;  ///< set on routes that need a log-in
  bool from_loopback = false;

  std::optional<std::string_view> field(http::field name) const;
  /// The first parameter of this name; of route parameters only.
  std::optional<std::string_view> parameter(std::string_view name) const;
  std::vector<std::string> parameters(std::string_view name) const;
  /// A decimal number between the bounds, or kInvalidArgument naming the parameter.
  core::Result<std::uint64_t> number(std::string_view name, std::uint64_t smallest, std::uint64_t largest,
                                     std::uint64_t otherwise) const;
};

/// The same for any text; used for form fields as well.
core::Result<std::uint64_t> parse_number(std::string_view name, std::string_view text, std::uint64_t smallest,
                                         std::uint64_t largest);

inline constexpr std::size_t kJsonDepthMax = 16;

/// A JSON object and nothing else. kInvalidArgument says what is wrong. Pure.
core::Result<boost::json::object> parse_json_object(std::string_view text);

/// The text of a member; kInvalidArgument when it is there but no string.
core::Result<std::optional<std::string>> text_member(const boost::json::object& object,
                                                     std::string_view name);

/// The whole body as a JSON object, at most `bytes_max` long.
core::Task<core::Result<boost::json::object>> read_json(RequestBody& body, std::size_t bytes_max);

}  // namespace kadenza::views
