// SPDX-License-Identifier: AGPL-3.0-or-later
#include "views/connection.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <fmt/compile.h>
#include <openssl/rand.h>
#include <spdlog/logger.h>

#include "views/dispatch.hpp"
#include "views/http_date.hpp"
#include "views/problem.hpp"

namespace kadenza::views {

namespace asio = boost::asio;
using core::Errc;
using core::fail;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::size_t kHeadReadBytes = 4 * 1024;

/// A peer's own id when it is harmless, else 16 hexadecimal digits that this process gave to no other
/// request.
std::string make_request_id(const http::fields& fields) {
  const auto given = fields.find("X-Request-Id");
  const auto harmless = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
  };
  if (given != fields.end() && !given->value().empty() && given->value().size() <= 64 &&
      std::all_of(given->value().begin(), given->value().end(), harmless))
    return std::string(given->value());
  static std::atomic<std::uint64_t> next = [] {
    std::uint64_t start = 0;
    RAND_bytes(reinterpret_cast<unsigned char*>(&start), sizeof start);
    return start;
  }();
  return fmt::format(FMT_COMPILE("{:016x}"), next.fetch_add(1));
}

}  // namespace

Connection::Connection(Transport::Socket socket, asio::ip::tcp::endpoint peer, SSL_CTX* tls,
                       Environment& environment)
    : environment_(environment),
      peer_(std::move(peer)),
      executor_(socket.get_executor()),
      transport_(std::move(socket), tls) {}

void Connection::stop_soon() {
  asio::dispatch(executor_, [self = shared_from_this()] {
    if (self->idle_) self->transport_.abort();
  });
}

void Connection::abort() {
  asio::dispatch(executor_, [self = shared_from_this()] {
    self->transport_.abort();
    self->cancel_.emit(asio::cancellation_type::terminal);
  });
}

core::Task<void> Connection::run() {
  try {
    if (transport_.is_tls()) {
      const auto error = co_await transport_.handshake(environment_.options.timeouts.header);
      if (error) co_return;
    }
    while (co_await answer_one()) {
    }
  } catch (const boost::system::system_error&) {
    // cancelled by abort()
  }
}

core::Task<bool> Connection::answer_one() {
  idle_ = true;
  Response refusal;
  const auto head = co_await read_head(refusal);
  idle_ = false;
  if (head == Head::kClosed) co_return false;
  if (head == Head::kRefused) {
    continue_pending_ = false;
    if (request_id_.empty()) request_id_ = make_request_id(parser_->get().base());
    environment_.metrics.request_done("?", "malformed", static_cast<unsigned>(refusal.status), {},
                                      refusal.length());
    const bool sent = co_await send(std::move(refusal), false);
    if (sent) co_await linger();
    co_return false;
  }

  const auto began = Clock::now();
  const auto& message = parser_->get();
  Request request{.method = message.method(), .fields = message.base(), .body = *this};
  request.deadline = environment_.clock.now() + environment_.options.timeouts.call;
  request.from_loopback =
      peer_.address().is_loopback() ||
      (peer_.address().is_v6() && peer_.address().to_v6().is_v4_mapped() &&
       asio::ip::make_address_v4(asio::ip::v4_mapped, peer_.address().to_v6()).is_loopback());
  Dispatched done{{}, "none"};
  auto target = parse_target(message.target());
  if (target) {
    request.target = std::move(*target);
    done = co_await dispatch(environment_, request);
  } else {
    done.response = problem(target.error());
  }

  if (body_timed_out_)
    done.response =
        problem(http::status::request_timeout, "request_timeout", "Nothing more of the body came in time.");

  const bool keep_alive = parser_->keep_alive() && !environment_.stopping && body_can_be_skipped();
  const auto status = static_cast<unsigned>(done.response.status);
  const bool sent = co_await send(std::move(done.response), keep_alive);
  const auto took = Clock::now() - began;
  environment_.metrics.request_done(std::string_view(http::to_string(message.method())), done.route, status,
                                    took, sent_bytes_);
  log(status, request.principal ? request.principal->user : "-", took);
  if (!sent) co_return false;
  if (!keep_alive) {
    co_await linger();
    co_return false;
  }
  if (parser_->is_done()) co_return true;
  co_return co_await skip_body();
}

core::Task<std::size_t> Connection::receive(std::size_t bytes, TimePoint deadline) {
  const auto space = buffer_.prepare(bytes);
  const std::span<std::uint8_t> out(static_cast<std::uint8_t*>(space.data()), space.size());
  const auto got = co_await transport_.read_some(out, deadline, read_error_);
  buffer_.commit(got);
  co_return got;
}

core::Task<Connection::Head> Connection::read_head(Response& refusal) {
  const auto& timeouts = environment_.options.timeouts;
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(environment_.options.limits.header_bytes));
  parser_->body_limit(boost::none);
  body_bytes_ = 0;
  body_limit_ = 0;
  body_timed_out_ = false;
  request_id_.clear();
  if (buffer_.size() == 0) {
    if (buffer_.capacity() > kHeadReadBytes) buffer_ = {};
    if (environment_.stopping) co_return Head::kClosed;
    const auto got = co_await receive(kHeadReadBytes, Clock::now() + timeouts.idle);
    if (got == 0) co_return Head::kClosed;
  }
  idle_ = false;
  const auto deadline = Clock::now() + timeouts.header;
  while (!parser_->is_header_done()) {
    while (!parser_->got_some() && buffer_.size() > 0 &&
           strchr("\r\n", *static_cast<const char*>(buffer_.data().data())))
      buffer_.consume(1);  // empty lines between requests (RFC 9112, section 2.2)
    Transport::ErrorCode error;
    buffer_.consume(parser_->put(buffer_.data(), error));
    if (error && error != http::error::need_more) {
      refusal = *refusal_of(error);
      co_return Head::kRefused;
    }
    if (parser_->is_header_done()) break;
    const auto got = co_await receive(kHeadReadBytes, deadline);
    if (got > 0) continue;
    if (read_error_ != asio::error::timed_out) co_return Head::kClosed;
    refusal = problem(http::status::request_timeout, "request_timeout",
                      "The head of the request did not come in time.");
    co_return Head::kRefused;
  }
  parser_->eager(true);
  request_id_ = make_request_id(parser_->get().base());
  continue_pending_ = !parser_->is_done() && parser_->get().find(http::field::expect) != parser_->get().end();
  if (auto refused = refusal_of(parser_->get())) {
    refusal = std::move(*refused);
    co_return Head::kRefused;
  }
  co_return Head::kRequest;
}

std::optional<Response> Connection::refusal_of(Transport::ErrorCode parse_error) const {
  if (parse_error == http::error::bad_version)
    return problem(http::status::http_version_not_supported, "version_not_supported",
                   "Only HTTP/1.1 and 1.0 are spoken here.");
  if (parse_error != http::error::header_limit)
    return problem(http::status::bad_request, "malformed_request",
                   "The head of the request is malformed: " + parse_error.message() + ".");
  const auto* text = static_cast<const char*>(buffer_.data().data());
  const bool in_first_line = std::find(text, text + buffer_.size(), '\n') == text + buffer_.size();
  if (in_first_line)
    return problem(http::status::uri_too_long, "uri_too_long", "The address of the request is too long.");
  return problem(
      http::status::request_header_fields_too_large, "header_too_large",
      fmt::format("The head of a request may have {} bytes.", environment_.options.limits.header_bytes));
}

/// What Beast's parser lets pass, but a careful server does not (RFC 9112, sections 3.2 and 6; request
/// smuggling).
std::optional<Response> Connection::refusal_of(const Parser::value_type& head) const {
  const auto bad = [](std::string_view detail) {
    return problem(http::status::bad_request, "malformed_request", detail);
  };
  if (head.method() == http::verb::unknown)
    return problem(http::status::not_implemented, "method_unknown", "This method is not known here.");
  if (head.target().size() > environment_.options.limits.target_bytes)
    return problem(http::status::uri_too_long, "uri_too_long", "The address of the request is too long.");
  const auto hosts = head.count(http::field::host);
  if (hosts > 1 || (hosts == 0 && head.version() == 11))
    return bad("A request needs exactly one Host field.");
  const bool has_encoding = head.count(http::field::transfer_encoding) > 0;
  if (has_encoding && (head.version() == 10 || head.count(http::field::content_length) > 0))
    return bad("Transfer-Encoding does not go with Content-Length or HTTP/1.0.");
  if (has_encoding && !boost::beast::iequals(head[http::field::transfer_encoding], "chunked"))
    return problem(http::status::not_implemented, "encoding_unknown",
                   "The only Transfer-Encoding known here is chunked.");
  const auto expect = head.find(http::field::expect);
  if (expect != head.end() && !boost::beast::iequals(expect->value(), "100-continue"))
    return problem(http::status::expectation_failed, "expectation_failed",
                   "The only expectation known here is 100-continue.");
  return std::nullopt;
}

void Connection::log(unsigned status, std::string_view user, std::chrono::nanoseconds took) const {
  if (!environment_.access_log || !environment_.access_log->should_log(spdlog::level::info)) return;
  const auto& head = parser_->get();
  environment_.access_log->info("{} \"{} {}\" {} {} {:.3f} ms user={} id={}", peer_.address().to_string(),
                                std::string_view(head.method_string()), redacted(head.target()), status,
                                sent_bytes_, std::chrono::duration<double, std::milli>(took).count(), user,
                                request_id_);
}

}  // namespace kadenza::views
