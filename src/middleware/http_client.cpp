// SPDX-License-Identifier: AGPL-3.0-or-later
#include "middleware/http_client.hpp"

#include <algorithm>

#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/http/serializer.hpp>
#include <fmt/format.h>

#include "middleware/retry.hpp"

namespace kadenza::middleware {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

constexpr std::uint32_t kHeadBytesMax = 64u << 10;
constexpr std::size_t kReadBytes = 64u << 10;
constexpr std::size_t kSendBytes = 256u << 10;
constexpr std::size_t kIdlePerServer = 16;

std::string head_text(Request& request, const Endpoint& endpoint) {
  auto head = request.head;
  head.target(endpoint.prefix + std::string(head.target()));
  head.set(http::field::host, endpoint.authority());
  if (request.body != nullptr) head.content_length(request.body->size());

  http::request_serializer<http::empty_body> serializer(head);
  std::string text;
  boost::system::error_code error;
  while (!serializer.is_done() && !error) {
    serializer.next(error, [&](boost::system::error_code&, const auto& buffers) {
      text += boost::beast::buffers_to_string(buffers);
      serializer.consume(boost::beast::buffer_bytes(buffers));
    });
  }
  return text;
}

/// Head and body; a small song goes out with its head in one packet train and one system call.
core::Task<core::Result<void>> send_request(Connection& connection, Request& request) {
  std::string head = head_text(request, connection.endpoint());
  if (request.body == nullptr) co_return co_await connection.write(asio::buffer(head), {});

  const std::uint64_t size = request.body->size();
  std::vector<std::uint8_t> piece(static_cast<std::size_t>(std::min<std::uint64_t>(size, kSendBytes)));
  std::uint64_t sent = 0;
  do {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(size - sent, piece.size()));
    const std::span<std::uint8_t> into(piece.data(), wanted);
    std::size_t count = 0;
    if (wanted > 0) {
      KADENZA_CO_TRY(count, co_await request.body->read(into));
      if (count == 0) {
        co_return core::fail(core::Errc::kInvalidArgument,
                             "The file became shorter while it was being sent.");
      }
    }
    const asio::const_buffer body(piece.data(), count);
    KADENZA_CO_TRY_VOID(co_await connection.write(asio::buffer(head), body));
    head.clear();
    sent += count;
  } while (sent < size);
  co_return core::Result<void>();
}

std::unexpected<core::Error> cut_short(const Endpoint& endpoint) {
  return core::fail(core::Errc::kUnavailable,
                    fmt::format("{} closed the connection too early.", endpoint.url()));
}

std::unexpected<core::Error> given_up(const Endpoint& endpoint) {
  return core::fail(core::Errc::kUnavailable, fmt::format("{} stopped answering.", endpoint.url()));
}

std::unexpected<core::Error> nonsense(const Endpoint& endpoint, const boost::system::error_code& error) {
  return core::fail(core::Errc::kUnavailable,
                    fmt::format("{} did not answer in proper HTTP: {}.", endpoint.url(), error.message()));
}

/// Feeds what has arrived to the parser; reads more when it needs more. False at the end of the stream.
core::Task<core::Result<bool>> parse_more(Connection& connection, Response::Parser& parser) {
  boost::beast::flat_buffer& buffer = connection.buffer();
  boost::system::error_code error = http::error::need_more;
  if (buffer.size() > 0) buffer.consume(parser.put(buffer.data(), error));
  if (error == http::error::need_buffer) error = {};
  if (error && error != http::error::need_more) co_return nonsense(connection.endpoint(), error);
  if (error != http::error::need_more || parser.is_done()) co_return true;

  const asio::mutable_buffer into = buffer.prepare(kReadBytes);
  KADENZA_CO_TRY(const std::size_t count, co_await connection.read_some(into));
  buffer.commit(count);
  if (count > 0) co_return true;
  if (parser.got_some()) parser.put_eof(error = {});
  co_return false;
}

core::Task<core::Result<void>> read_head(Connection& connection, Response::Parser& parser) {
  while (!parser.is_header_done()) {
    KADENZA_CO_TRY(const bool more, co_await parse_more(connection, parser));
    if (!more) co_return cut_short(connection.endpoint());
  }
  co_return core::Result<void>();
}

std::unique_ptr<Response::Parser> make_parser(bool head_only) {
  auto parser = std::make_unique<Response::Parser>();
  parser->header_limit(kHeadBytesMax);
  parser->body_limit(boost::none);  // whoever reads the body knows how much may come
  parser->skip(head_only);
  return parser;
}

}  // namespace

Request::Request(http::verb method, std::string_view target)
    : head(method, {target.data(), target.size()}, 11), repeatable(is_repeatable(method, target)) {}

Response::Response(std::unique_ptr<Connection> connection, std::unique_ptr<Parser> parser, GiveBack give_back)
    : endpoint_(connection->endpoint()),
      connection_(std::move(connection)),
      parser_(std::move(parser)),
      give_back_(std::move(give_back)) {}

Response::~Response() {
  if (connection_ && parser_->is_done() && parser_->keep_alive()) give_back_(std::move(connection_));
}

std::string_view Response::header(http::field name) const {
  const auto value = parser_->get()[name];
  return {value.data(), value.size()};
}

core::Task<core::Result<std::size_t>> Response::read_some(std::span<std::uint8_t> into) {
  auto& body = parser_->get().body();
  body.data = into.data();
  body.size = into.size();
  body.more = true;
  while (body.size == into.size() && !parser_->is_done()) {
    KADENZA_CO_TRY(const bool more, co_await parse_more(*connection_, *parser_));
    if (!more && !parser_->is_done()) co_return cut_short(endpoint_);
  }
  co_return into.size() - body.size;
}

core::Task<core::Result<std::string>> Response::read_all(std::size_t limit) {
  std::string text;
  std::vector<std::uint8_t> piece(std::min(limit + 1, kReadBytes));
  while (true) {
    KADENZA_CO_TRY(const std::size_t count, co_await read_some(piece));
    if (count == 0) co_return text;
    if (text.size() + count > limit) {
      co_return core::fail(core::Errc::kTooLarge,
                           fmt::format("{} sent an answer that is too long.", endpoint_.url()));
    }
    text.append(piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(count));
  }
}

HttpClient::HttpClient(Config config) : config_(std::move(config)), idle_(std::make_shared<Idle>()) {}

core::Result<std::shared_ptr<asio::ssl::context>> HttpClient::tls_context() {
  if (!tls_) {
    KADENZA_TRY(tls_, make_tls_context(config_.authorities));
  }
  return tls_;
}

std::unique_ptr<Connection> HttpClient::take_idle(const Endpoint& endpoint) {
  auto& connections = idle_->connections[endpoint.url()];
  while (!connections.empty()) {
    std::unique_ptr<Connection> connection = std::move(connections.back());
    connections.pop_back();
    if (connection->usable()) return connection;
  }
  return nullptr;
}

core::Task<core::Result<Response>> HttpClient::exchange(std::unique_ptr<Connection> connection,
                                                        Request& request, Leash* leash) {
  const Leash::Hold hold(leash, connection->lowest());
  const core::Result<void> sent = co_await send_request(*connection, request);
  if (leash != nullptr && leash->is_cut()) co_return given_up(connection->endpoint());
  // A server may refuse an upload before it has read it all: its answer says more than the broken connection.
  if (!sent && sent.error().code != core::Errc::kUnavailable) co_return std::unexpected(sent.error());
  auto parser = make_parser(request.head.method() == http::verb::head);
  const core::Result<void> answered = co_await read_head(*connection, *parser);
  if (leash != nullptr && leash->is_cut()) co_return given_up(connection->endpoint());
  if (!answered) co_return std::unexpected(sent ? answered.error() : sent.error());

  Response::GiveBack give_back = [idle = idle_](std::unique_ptr<Connection> free) {
    auto& connections = idle->connections[free->endpoint().url()];
    if (connections.size() < kIdlePerServer) connections.push_back(std::move(free));
  };
  if (!sent) give_back = [](std::unique_ptr<Connection>) {};
  co_return Response(std::move(connection), std::move(parser), std::move(give_back));
}

core::Task<core::Result<std::unique_ptr<Connection>>> HttpClient::connect(Endpoint endpoint,
                                                                          const Timeouts& timeouts,
                                                                          Leash* leash) {
  std::shared_ptr<asio::ssl::context> tls;
  if (endpoint.tls) {
    KADENZA_CO_TRY(tls, tls_context());
  }
  co_return co_await Connection::open(std::move(endpoint), std::move(tls), timeouts, leash);
}

core::Task<core::Result<Response>> HttpClient::send(Endpoint endpoint, Request& request, Leash* leash) {
  const Timeouts timeouts = request.timeouts.value_or(config_.timeouts);
  // What must not be done twice goes over a new connection: a kept one may be closing at this moment.
  if (std::unique_ptr<Connection> kept = request.repeatable ? take_idle(endpoint) : nullptr) {
    request.sent = true;
    kept->set_idle_limit(timeouts.idle);
    core::Result<Response> answer = co_await exchange(std::move(kept), request, leash);
    if (answer || answer.error().code != core::Errc::kUnavailable) co_return answer;
    if (leash != nullptr && leash->is_cut()) co_return answer;
    if (request.body != nullptr) KADENZA_CO_TRY_VOID(request.body->rewind());
  }
  KADENZA_CO_TRY(std::unique_ptr<Connection> fresh, co_await connect(endpoint, timeouts, leash));
  request.sent = true;
  co_return co_await exchange(std::move(fresh), request, leash);
}

}  // namespace kadenza::middleware
