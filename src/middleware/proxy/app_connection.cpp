// SPDX-License-Identifier: AGPL-3.0-or-later
#include "middleware/proxy/app_connection.hpp"

#include <array>
#include <charconv>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/read.hpp>
#include <fmt/format.h>
#include <spdlog/logger.h>

#include "middleware/retry.hpp"

namespace kadenza::middleware {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::uint32_t kHeadBytesMax = 16u << 10;
constexpr std::string_view kChunkEnd = "\r\n";
constexpr std::size_t kFirstReadBytes = 4u << 10;
constexpr std::size_t kPieceBytes = 64u << 10;
/// An answer up to this size that breaks off is asked for again as a whole.
constexpr std::uint64_t kSmallMax = 256u << 10;
constexpr unsigned kAsksMax = 3;
constexpr std::chrono::seconds kIdle{60};
constexpr std::chrono::seconds kHead{10};
constexpr std::chrono::seconds kWrite{60};
constexpr std::chrono::seconds kLinger{5};

std::optional<std::uint64_t> length_of(const Response& response) {
  const std::string_view text = response.header(http::field::content_length);
  std::uint64_t length = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  if (error != std::errc() || text.empty() || end != text.data() + text.size()) return std::nullopt;
  return length;
}

/// What an app did wrong that sent no proper head; none: it went away.
std::optional<Refusal> refusal_of(const boost::system::error_code& error) {
  if (error == http::error::header_limit) {
    return Refusal{431, "header_too_large",
                   fmt::format("The head of a request may have {} bytes.", kHeadBytesMax)};
  }
  if (error == boost::beast::error::timeout) {
    return Refusal{408, "request_timeout", "The head of the request did not come in time."};
  }
  const bool gone = error == http::error::end_of_stream || error == http::error::partial_message;
  if (gone || error.category() != http::make_error_code(http::error::bad_method).category())
    return std::nullopt;
  return Refusal{400, "malformed_request",
                 fmt::format("The head of the request is malformed: {}.", error.message())};
}

bool has_body(http::verb method, unsigned status) {
  return method != http::verb::head && status >= 200 && status != 204 && status != 304;
}

}  // namespace

AppConnection::AppConnection(asio::ip::tcp::socket socket, ProxyShared& shared)
    : shared_(shared), app_(boost::beast::tcp_stream(std::move(socket))) {
  boost::system::error_code ignored;
  app_.tcp.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
}

core::Task<void> AppConnection::run() {
  try {
    while (co_await answer_one()) {
    }
  } catch (const boost::system::system_error& error) {
    if (error.code() != asio::error::operation_aborted) throw;  // else abort()
  }
}

void AppConnection::abort() {
  app_.tcp.close();
  cancel_.emit(asio::cancellation_type::terminal);
}

void AppConnection::stop_soon() {
  if (idle_) abort();
}

std::string AppConnection::what() const {
  const auto& head = app_.parser->get();
  return fmt::format("{} {}", std::string_view(head.method_string()), path_of(head.target()));
}

core::Task<bool> AppConnection::read_head(std::optional<Refusal>& refusal) {
  app_.parser.emplace();
  app_.parser->header_limit(kHeadBytesMax);
  app_.parser->body_limit(boost::none);
  if (app_.buffer.size() == 0) {
    app_.tcp.expires_after(kIdle);
    const auto into = app_.buffer.prepare(kFirstReadBytes);
    const auto [error, count] = co_await app_.tcp.async_read_some(into, kTuple);
    if (error) co_return false;
    app_.buffer.commit(count);
  }
  idle_ = false;
  app_.tcp.expires_after(kHead);
  const auto [error, count] = co_await http::async_read_header(app_.tcp, app_.buffer, *app_.parser, kTuple);
  if (error) {
    refusal = refusal_of(error);
  } else {
    refusal = refusal_of(app_.parser->get(), shared_.name);
  }
  co_return !error;
}

/// Closing while the app still sends would make the system throw the answer away (RFC 9112 section 9.6).
core::Task<void> AppConnection::linger() {
  boost::system::error_code ignored;
  app_.tcp.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  std::vector<std::uint8_t> piece(kPieceBytes);
  const auto end = std::chrono::steady_clock::now() + kLinger;
  while (true) {
    app_.tcp.expires_at(end);
    const auto [error, count] = co_await app_.tcp.async_read_some(asio::buffer(piece), kTuple);
    if (error) co_return;
  }
}

core::Task<bool> AppConnection::refuse(Refusal refusal) {
  const bool head_only = app_.parser->get().method() == http::verb::head;
  shared_.log.warn("{}: {} {}", app_.parser->is_header_done() ? what() : "?", refusal.status, refusal.detail);
  const std::string text = answer_text(refusal, head_only);
  const bool sent = co_await send(text, {});
  if (sent) co_await linger();
  co_return false;
}

Request AppConnection::forwarded() const {
  const auto& head = app_.parser->get();
  Request request(head.method(), {head.target().data(), head.target().size()});
  request.has_own_login = true;
  copy_end_to_end(head, request.head);
  const auto via = request.head[http::field::via];
  request.head.set(http::field::via,
                   fmt::format("{}{}1.1 {}", std::string_view(via), via.empty() ? "" : ", ", shared_.name));
  return request;
}

void AppConnection::remember_log_in(unsigned status) {
  const auto authorization = app_.parser->get()[http::field::authorization];
  if (status < 400 && authorization.starts_with("Bearer ")) shared_.authorization = authorization;
}

core::Task<core::Result<AppConnection::Answer>> AppConnection::ask(Request& request) {
  for (unsigned asked = 1;; ++asked) {
    KADENZA_CO_TRY(Response response, co_await shared_.nodes.send(request));
    const auto length = length_of(response);
    if (!has_body(request.head.method(), response.status()) || !length || *length > kSmallMax) {
      co_return Answer{std::move(response), std::nullopt};
    }
    const Endpoint endpoint = response.endpoint();
    if (request.repeatable && shared_.nodes.has_another(endpoint)) {
      response.set_patience(std::chrono::ceil<std::chrono::milliseconds>(stall_limit(asked)));
    }
    core::Result<std::string> text = co_await response.read_all(kSmallMax);
    if (text) co_return Answer{std::move(response), std::move(*text)};
    shared_.nodes.avoid(endpoint);
    request.sent = true;
    if (!request.repeatable || asked >= kAsksMax) co_return std::unexpected(std::move(text).error());
    shared_.log.info("{}: {} broke off in its answer; another node is asked", what(), endpoint.url());
  }
}

core::Task<bool> AppConnection::answer_one() {
  idle_ = true;
  if (shared_.stopping) co_return false;
  std::optional<Refusal> refusal;
  const bool has_head = co_await read_head(refusal);
  if (refusal) co_return co_await refuse(std::move(*refusal));
  if (!has_head) co_return false;

  Request request = forwarded();
  std::optional<AppBody> body;
  if (!app_.parser->is_done() || app_.parser->get().count(http::field::content_length) > 0) {
    body.emplace(app_, AppBody::Limits{shared_.upload_limit, shared_.spools}, request.repeatable);
    request.body = &*body;
    const core::Result<void> begun = co_await body->begin();
    if (!begun && begun.error().code == core::Errc::kCancelled) co_return false;
    if (!begun) {
      refusal = refusal_for(begun.error(), false);
      co_return co_await refuse(std::move(*refusal));
    }
  }
  core::Result<Answer> answer = co_await ask(request);
  if (!answer) {
    if (answer.error().code == core::Errc::kCancelled) co_return false;
    const bool may_be_done = request.sent && !request.repeatable;
    refusal = refusal_for(answer.error(), may_be_done);
    co_return co_await refuse(std::move(*refusal));
  }
  remember_log_in(answer->response.status());
  co_return co_await pass_on(std::move(request), std::move(*answer));
}

std::string AppConnection::head_of(const Answer& answer, bool keep_alive, bool chunked) const {
  const unsigned status = answer.response.status();
  std::string head = fmt::format("HTTP/1.1 {} {}\r\n", status,
                                 std::string_view(http::obsolete_reason(http::int_to_status(status))));
  http::fields fields;
  copy_end_to_end(answer.response.headers(), fields);
  for (const auto& field : fields) {
    head.append(field.name_string()).append(": ").append(field.value()).append("\r\n");
  }
  if (const auto length = answer.response.header(http::field::content_length); !length.empty()) {
    head.append("Content-Length: ").append(length).append("\r\n");
  }
  if (chunked) head += "Transfer-Encoding: chunked\r\n";
  head += fmt::format("Via: 1.1 {}\r\n", shared_.name);
  if (!keep_alive) {
    head += "Connection: close\r\n";
  } else if (app_.parser->get().version() == 10) {
    head += "Connection: keep-alive\r\n";
  }
  return head + "\r\n";
}

core::Task<bool> AppConnection::pass_on(Request request, Answer answer) {
  const bool with_body = has_body(request.head.method(), answer.response.status());
  const bool of_unknown_length = with_body && !length_of(answer.response);
  const bool chunked = of_unknown_length && app_.parser->get().version() == 11;
  const bool keep_alive = app_.parser->keep_alive() && app_.parser->is_done() && !shared_.stopping &&
                          (!of_unknown_length || chunked);
  std::string head = head_of(answer, keep_alive, chunked);
  shared_.log.debug("{}: {} from {}", what(), answer.response.status(), answer.response.endpoint().url());

  bool sent = false;
  std::optional<Extent> extent;
  if (with_body && request.head.method() == http::verb::get) extent = extent_of(answer.response);
  if (!with_body) {
    sent = co_await send(head, {});
  } else if (answer.text) {
    const std::span body(reinterpret_cast<const std::uint8_t*>(answer.text->data()), answer.text->size());
    sent = co_await send(head, body);
  } else if (extent && extent->has_strong_etag()) {
    sent = co_await stream(std::move(request), std::move(head), std::move(answer), std::move(*extent));
  } else {
    sent = co_await copy(std::move(head), answer.response, chunked);
  }
  if (sent && !app_.parser->is_done()) co_await linger();
  co_return sent&& keep_alive;
}

core::Task<bool> AppConnection::stream(Request request, std::string head, Answer answer, Extent extent) {
  Endpoint source = answer.response.endpoint();
  request.body = nullptr;
  Stream stream(shared_.nodes, std::move(request), std::move(answer.response), std::move(extent));
  std::vector<std::uint8_t> piece(kPieceBytes);
  while (true) {
    const std::uint64_t position = stream.position();
    const core::Result<std::size_t> count = co_await stream.read(piece);
    if (!count) {
      shared_.log.error("{}: ended at byte {}: {}", what(), position, count.error().detail);
      co_return false;
    }
    if (stream.source() != source) {
      shared_.log.info("{}: {} stopped; it goes on at byte {} from {}", what(), source.url(), position,
                       stream.source().url());
      source = stream.source();
    }
    if (*count == 0) co_return true;
    const bool sent = co_await send(head, std::span(piece).first(*count));
    if (!sent) co_return false;
    head.clear();
  }
}

core::Task<bool> AppConnection::copy(std::string head, Response& response, bool chunked) {
  std::vector<std::uint8_t> piece(kPieceBytes);
  while (true) {
    const core::Result<std::size_t> count = co_await response.read_some(piece);
    if (!count) {
      shared_.log.error("{}: {}", what(), count.error().detail);
      co_return false;
    }
    if (chunked) head += fmt::format("{:x}\r\n", *count);
    const std::string_view tail = chunked ? kChunkEnd : std::string_view();
    const bool sent = co_await send(head, std::span(piece).first(*count), tail);
    if (!sent) co_return false;
    if (*count == 0) co_return true;
    head.clear();
  }
}

core::Task<bool> AppConnection::send(std::string_view head, std::span<const std::uint8_t> body,
                                     std::string_view tail) {
  const std::array<asio::const_buffer, 3> buffers{asio::buffer(head), asio::buffer(body.data(), body.size()),
                                                  asio::buffer(tail)};
  app_.tcp.expires_after(kWrite);
  const auto [error, count] = co_await asio::async_write(app_.tcp, buffers, kTuple);
  co_return !error;
}

}  // namespace kadenza::middleware
