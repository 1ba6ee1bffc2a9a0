// SPDX-License-Identifier: AGPL-3.0-or-later
#include "middleware/proxy/forwarding.hpp"

#include <algorithm>
#include <array>

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

namespace kadenza::middleware {
namespace {

namespace http = boost::beast::http;
using boost::beast::iequals;

constexpr std::size_t kTargetBytesMax = 8u << 10;

constexpr std::array kOfOneConnection{http::field::connection,
                                      http::field::keep_alive,
                                      http::field::proxy_authenticate,
                                      http::field::proxy_authorization,
                                      http::field::proxy_connection,
                                      http::field::te,
                                      http::field::trailer,
                                      http::field::transfer_encoding,
                                      http::field::upgrade,
                                      http::field::host,
                                      http::field::content_length,
                                      http::field::expect};

bool is_named_in_connection(const http::fields& fields, std::string_view name) {
  const auto [first, last] = fields.equal_range(http::field::connection);
  return std::any_of(first, last, [&](const auto& field) {
    const http::token_list names(field.value());
    return std::any_of(names.begin(), names.end(), [&](auto token) { return iequals(token, name); });
  });
}

}  // namespace

void copy_end_to_end(const http::fields& from, http::fields& to) {
  for (const auto& field : from) {
    if (std::ranges::find(kOfOneConnection, field.name()) != kOfOneConnection.end()) continue;
    if (is_named_in_connection(from, field.name_string())) continue;
    to.insert(field.name(), field.name_string(), field.value());
  }
}

std::optional<Refusal> refusal_of(const AppHead& head, std::string_view name) {
  const auto malformed = [](std::string detail) {
    return Refusal{400, "malformed_request", std::move(detail)};
  };
  if (head.method() == http::verb::unknown || head.method() == http::verb::connect ||
      head.method() == http::verb::trace) {
    return Refusal{501, "method_unknown", "This method is not forwarded."};
  }
  if (head.target().size() > kTargetBytesMax) {
    return Refusal{414, "uri_too_long", "The address of the request is too long."};
  }
  if (!head.target().starts_with('/') && head.target() != "*") {
    return malformed(
        "The address of a request must be a path. Give the app this proxy's address as its server, not as a "
        "proxy for all addresses.");
  }
  const auto hosts = head.count(http::field::host);
  if (hosts > 1 || (hosts == 0 && head.version() == 11))
    return malformed("A request needs exactly one Host field.");
  if (head.count(http::field::transfer_encoding) > 0) {
    if (head.version() == 10 || head.count(http::field::content_length) > 0) {
      return malformed("Transfer-Encoding does not go with Content-Length or HTTP/1.0.");
    }
    if (!iequals(head[http::field::transfer_encoding], "chunked")) {
      return Refusal{501, "encoding_unknown", "The only Transfer-Encoding known here is chunked."};
    }
  }
  const auto expect = head.find(http::field::expect);
  if (expect != head.end() && !iequals(expect->value(), "100-continue")) {
    return Refusal{417, "expectation_failed", "The only expectation known here is 100-continue."};
  }
  const auto [first, last] = head.equal_range(http::field::via);
  if (std::any_of(first, last,
                  [&](const auto& via) { return via.value().find(name) != std::string_view::npos; })) {
    return Refusal{508, "loop", "This proxy forwards to itself. Give it the nodes' addresses with --server."};
  }
  return std::nullopt;
}

Refusal refusal_for(const core::Error& error, bool may_be_done) {
  const std::string code(core::to_string(error.code));
  switch (error.code) {
    case core::Errc::kTooLarge:
      return {413, code, error.detail};
    case core::Errc::kNoSpace:
      return {507, code, error.detail};
    case core::Errc::kDeadlineExceeded:
      return {408, code, error.detail};
    case core::Errc::kInvalidArgument:
      return {400, code, error.detail};
    case core::Errc::kUnavailable:
      break;
    default:
      return {502, code, error.detail};
  }
  if (may_be_done) {
    return {502, code,
            fmt::format("{} It may have been done or not: look before you ask for it again.", error.detail)};
  }
  return {
      503, code,
      fmt::format("No node answers. {} Start a node, or name one that runs with --server.", error.detail)};
}

std::string answer_text(const Refusal& refusal, bool head_only) {
  const std::string_view title = http::obsolete_reason(static_cast<http::status>(refusal.status));
  const boost::json::object problem{{"type", "urn:kadenza:problem:" + refusal.code},
                                    {"title", title},
                                    {"status", refusal.status},
                                    {"code", refusal.code},
                                    {"detail", refusal.detail}};
  const std::string body = boost::json::serialize(problem);
  return fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: application/problem+json\r\nContent-Length: {}\r\nCache-Control: "
      "no-store\r\n{}Connection: close\r\n\r\n{}",
      refusal.status, title, body.size(), refusal.status == 503 ? "Retry-After: 2\r\n" : "",
      head_only ? std::string_view() : std::string_view(body));
}

std::string_view path_of(std::string_view target) {
  return target.substr(0, target.find('?'));
}

}  // namespace kadenza::middleware
