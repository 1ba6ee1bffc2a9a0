// SPDX-License-Identifier: AGPL-3.0-or-later
// The bytes of bodies, in and out.
#include <algorithm>
#include <array>

#include <boost/asio/error.hpp>
#include <boost/beast/http/error.hpp>
#include <fmt/compile.h>
#include <fmt/format.h>

#include "views/connection.hpp"
#include "views/http_date.hpp"
#include "views/problem.hpp"

namespace kadenza::views {

namespace asio = boost::asio;
using core::Errc;
using core::fail;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::size_t kBodyReadBytes = 64 * 1024;
constexpr std::size_t kSkippedBodyMax = 64 * 1024;
constexpr std::size_t kChunkHeadMax = 8 * 1024;
constexpr std::size_t kStreamBytes = 32 * 1024;
constexpr auto kLingerMax = std::chrono::seconds(30);

/// Formatting a date costs more than everything else in a head, and it changes once a second.
std::string_view date_field(core::WallTime now) {
  static thread_local std::chrono::sys_seconds shown{};
  static thread_local std::string text;
  const auto second = std::chrono::floor<std::chrono::seconds>(now);
  if (text.empty() || second != shown) {
    text = http_date(now);
    shown = second;
  }
  return text;
}

bool has_body(http::status status) {
  return status != http::status::no_content && status != http::status::not_modified;
}

}  // namespace

// ---- in

std::optional<std::uint64_t> Connection::length() const {
  const auto length = parser_->content_length();
  if (length) return *length;
  if (parser_->chunked()) return std::nullopt;
  return 0;
}

core::Result<void> Connection::limit(std::uint64_t bytes) {
  body_limit_ = bytes;
  if (length().value_or(0) > bytes)
    return fail(Errc::kTooLarge,
                fmt::format("The body has {} bytes; at most {} are accepted.", *length(), bytes));
  return {};
}

/// Parses what was received already. Less than all of `out`: more must be received, or the body has ended.
core::Result<std::size_t> Connection::parse_body(std::span<std::uint8_t> out) {
  auto& body = parser_->get().body();
  std::size_t filled = 0;
  while (!parser_->is_done() && filled < out.size() && buffer_.size() > 0) {
    body.data = out.data() + filled;
    body.size = out.size() - filled;
    body.more = true;
    Transport::ErrorCode error;
    const auto used = parser_->put(buffer_.data(), error);
    buffer_.consume(used);
    filled = out.size() - body.size;
    if (error == http::error::need_more && buffer_.size() > kChunkHeadMax)
      return fail(Errc::kInvalidArgument, "A chunk's head, or the trailer, is too long.");
    if (error == http::error::need_more) break;
    if (error && error != http::error::need_buffer)
      return fail(Errc::kInvalidArgument, "The body is malformed: " + error.message() + ".");
    if (used == 0 && !error) break;
  }
  body_bytes_ += filled;
  if (body_bytes_ > body_limit_)
    return fail(Errc::kTooLarge,
                fmt::format("The body is longer than the {} bytes that are accepted.", body_limit_));
  return filled;
}

core::Error Connection::why_body_stopped() {
  body_timed_out_ = read_error_ == asio::error::timed_out;
  if (body_timed_out_) return {Errc::kDeadlineExceeded, "Nothing more of the body came in time."};
  const auto whole = length() ? fmt::format(" of {}", *length()) : std::string();
  return {Errc::kInvalidArgument,
          fmt::format("The body is cut: it ended after {}{} bytes.", body_bytes_, whole)};
}

core::Task<core::Result<std::size_t>> Connection::read(std::span<std::uint8_t> out) {
  const auto& timeouts = environment_.options.timeouts;
  if (continue_pending_) {
    continue_pending_ = false;
    std::uint64_t ignored = 0;
    const auto error =
        co_await transport_.send({"HTTP/1.1 100 Continue\r\n\r\n", {}, {}}, timeouts.write, ignored);
    if (error) co_return fail(Errc::kCancelled, "The peer has gone.");
  }
  std::size_t filled = 0;
  for (;;) {
    const auto parsed = parse_body(out.subspan(filled));
    if (!parsed) co_return std::unexpected(parsed.error());
    filled += *parsed;
    if (filled == out.size() || parser_->is_done()) co_return filled;
    const auto got = co_await receive(kBodyReadBytes, Clock::now() + timeouts.body);
    if (got == 0) co_return std::unexpected(why_body_stopped());
  }
}

std::uint64_t Connection::body_left() const {
  const auto left = parser_->content_length_remaining();
  return left ? *left : std::numeric_limits<std::uint64_t>::max();
}

bool Connection::body_can_be_skipped() const {
  return parser_->is_done() || (!continue_pending_ && body_left() <= kSkippedBodyMax);
}

core::Task<bool> Connection::skip_body() {
  std::array<std::uint8_t, 4096> rest;
  body_limit_ = std::numeric_limits<std::uint64_t>::max();
  while (!parser_->is_done()) {
    const auto got = co_await read(rest);
    if (!got) co_return false;
  }
  co_return true;
}

/// Closing while the peer still sends would make its kernel throw the answer away (RFC 9112, section 9.6).
core::Task<void> Connection::linger() {
  transport_.finish_sending();
  if (parser_->is_done()) co_return;
  const auto latest = Clock::now() + kLingerMax;
  for (std::size_t got = 1; got > 0;) {
    buffer_.clear();
    got = co_await receive(kBodyReadBytes,
                           std::min(latest, Clock::now() + environment_.options.timeouts.linger));
  }
}

// ---- out

std::string Connection::head_of(const Response& response, bool keep_alive) const {
  std::string head;
  head.reserve(512 + response.fields.size());
  head += fmt::format(FMT_COMPILE("HTTP/1.1 {} "), static_cast<unsigned>(response.status));
  head.append(http::obsolete_reason(response.status))
      .append("\r\nDate: ")
      .append(date_field(environment_.clock.wall_now()));
  head += "\r\nServer: kadenza\r\nX-Request-Id: ";
  head += request_id_;
  head += "\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\nContent-Security-Policy: ";
  head.append(response.policy).append("\r\n");
  head += response.fields;
  if (has_body(response.status))
    head += fmt::format(FMT_COMPILE("Content-Length: {}\r\n"), response.length());
  if (!keep_alive)
    head += "Connection: close\r\n";
  else if (parser_->get().version() == 10)
    head += "Connection: keep-alive\r\n";
  head += "\r\n";
  return head;
}

core::Task<bool> Connection::send(Response response, bool keep_alive) {
  sent_bytes_ = 0;
  const auto head = head_of(response, keep_alive);
  const bool head_only = parser_->get().method() == http::verb::head || !has_body(response.status);
  auto* stream = std::get_if<StreamBody>(&response.body);
  Transport::ErrorCode error;
  if (stream && stream->stream && !head_only) {
    error = co_await send_stream(head, *stream);
  } else {
    Outgoing outgoing{head, {}, {}};
    if (!stream && !head_only) outgoing.body = response.text();
    error = co_await transport_.send(outgoing, environment_.options.timeouts.write, sent_bytes_);
  }
  co_return !error;
}

core::Task<Transport::ErrorCode> Connection::send_stream(std::string_view head, StreamBody& body) {
  const auto stalled = environment_.options.timeouts.write;
  if (const auto file = body.stream->file()) {
    const Outgoing outgoing{head, {}, file};
    co_return co_await transport_.send(outgoing, stalled, sent_bytes_);
  }
  std::vector<std::uint8_t> piece(std::min<std::uint64_t>(body.length, kStreamBytes));
  for (std::uint64_t left = body.length; left > 0;) {
    const auto deadline = environment_.clock.now() + environment_.options.timeouts.call;
    const std::span<std::uint8_t> out(piece.data(), std::min<std::uint64_t>(left, piece.size()));
    const auto got = co_await body.stream->read(out, deadline);
    if (!got || *got == 0) co_return asio::error::connection_aborted;  // the promised length cannot be kept
    left -= *got;
    const Outgoing outgoing{head, {reinterpret_cast<const char*>(piece.data()), *got}, {}};
    head = {};
    const auto error = co_await transport_.send(outgoing, stalled, sent_bytes_);
    if (error) co_return error;
  }
  co_return Transport::ErrorCode{};
}

}  // namespace kadenza::views
