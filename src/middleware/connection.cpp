// SPDX-License-Identifier: AGPL-3.0-or-later
#include "middleware/connection.hpp"

#include <array>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>
#include <openssl/ssl.h>
#include <poll.h>

namespace kadenza::middleware {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

std::unexpected<core::Error> unreachable(const Endpoint& endpoint, std::string_view why) {
  return core::fail(core::Errc::kUnavailable, fmt::format("Cannot reach {}: {}.", endpoint.url(), why));
}

core::Task<core::Result<tcp::resolver::results_type>> resolve(const Endpoint& endpoint,
                                                              std::chrono::milliseconds limit) {
  using namespace asio::experimental::awaitable_operators;
  boost::system::error_code not_an_address;
  const auto address = asio::ip::make_address(endpoint.host, not_an_address);
  if (!not_an_address) {
    const tcp::endpoint target(address, endpoint.port);
    co_return tcp::resolver::results_type::create(target, endpoint.host, "");
  }
  const auto executor = co_await asio::this_coro::executor;
  tcp::resolver resolver(executor);
  asio::steady_timer timer(executor, limit);
  const std::string port = std::to_string(endpoint.port);
  const auto outcome =
      co_await (resolver.async_resolve(endpoint.host, port, kTuple) || timer.async_wait(kTuple));
  if (outcome.index() == 1) co_return unreachable(endpoint, "its name was not resolved in time");
  const auto& [error, results] = std::get<0>(outcome);
  if (error) co_return unreachable(endpoint, "its name is not known");
  co_return results;
}

core::Task<core::Result<void>> connect(boost::beast::tcp_stream& stream,
                                       const tcp::resolver::results_type& targets, const Endpoint& endpoint,
                                       std::chrono::milliseconds limit, Leash* leash) {
  if (leash != nullptr && leash->is_cut()) co_return unreachable(endpoint, "it was given up");
  const Leash::Hold hold(leash, stream);
  stream.expires_after(limit);
  const auto [error, target] = co_await stream.async_connect(targets, kTuple);
  if (!error) co_return core::Result<void>();
  const std::string why =
      error == boost::beast::error::timeout ? "it did not answer in time" : error.message();
  co_return unreachable(endpoint, why);
}

}  // namespace

core::Result<std::shared_ptr<asio::ssl::context>> make_tls_context(
    const std::optional<std::filesystem::path>& authorities) {
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_3_VERSION);
  boost::system::error_code error;
  if (authorities) {
    context->load_verify_file(authorities->string(), error);
    if (error) {
      return core::fail(
          core::Errc::kInvalidArgument,
          fmt::format("Cannot read certificates from {}: it must be a PEM file.", authorities->string()));
    }
  } else {
    context->set_default_verify_paths(error);
  }
  context->set_verify_mode(asio::ssl::verify_peer);
  return context;
}

Connection::Connection(Endpoint endpoint, Timeouts timeouts, boost::beast::tcp_stream stream,
                       std::shared_ptr<asio::ssl::context> tls)
    : endpoint_(std::move(endpoint)), timeouts_(timeouts), context_(std::move(tls)) {
  if (endpoint_.tls) {
    tls_.emplace(std::move(stream), *context_);
  } else {
    plain_.emplace(std::move(stream));
  }
}

std::unexpected<core::Error> Connection::failure(std::string_view what,
                                                 const boost::system::error_code& error) const {
  if (error == asio::error::operation_aborted) return core::fail(core::Errc::kCancelled);
  const std::string why =
      error == boost::beast::error::timeout ? "it did not answer in time" : error.message();
  return core::fail(core::Errc::kUnavailable, fmt::format("{} {} failed: {}.", what, endpoint_.url(), why));
}

core::Task<core::Result<std::unique_ptr<Connection>>> Connection::open(
    Endpoint endpoint, std::shared_ptr<asio::ssl::context> tls, Timeouts timeouts, Leash* leash) {
  KADENZA_CO_TRY(const tcp::resolver::results_type targets, co_await resolve(endpoint, timeouts.connect));
  boost::beast::tcp_stream stream(co_await asio::this_coro::executor);
  KADENZA_CO_TRY_VOID(co_await connect(stream, targets, endpoint, timeouts.connect, leash));
  boost::system::error_code ignored;
  stream.socket().set_option(tcp::no_delay(true), ignored);
  std::unique_ptr<Connection> connection(
      new Connection(std::move(endpoint), timeouts, std::move(stream), std::move(tls)));
  const Leash::Hold hold(leash, connection->lowest());
  if (connection->tls_) KADENZA_CO_TRY_VOID(co_await connection->handshake());
  co_return connection;
}

core::Task<core::Result<void>> Connection::handshake() {
  boost::system::error_code not_an_address;
  (void)asio::ip::make_address(endpoint_.host, not_an_address);
  if (not_an_address) SSL_set_tlsext_host_name(tls_->native_handle(), endpoint_.host.c_str());
  tls_->set_verify_callback(asio::ssl::host_name_verification(endpoint_.host));
  lowest().expires_after(timeouts_.connect);
  const auto [error] = co_await tls_->async_handshake(asio::ssl::stream_base::client, kTuple);
  if (!error) co_return core::Result<void>();
  const long verdict = SSL_get_verify_result(tls_->native_handle());
  if (verdict == X509_V_OK) co_return failure("Encrypting the connection to", error);
  co_return core::fail(
      core::Errc::kUnavailable,
      fmt::format(
          "The certificate of {} is not trusted: {}. If it is your own authority's, name its file with --ca.",
          endpoint_.url(), X509_verify_cert_error_string(verdict)));
}

core::Task<core::Result<std::size_t>> Connection::read_some(asio::mutable_buffer into) {
  lowest().expires_after(timeouts_.idle);
  // Under TLS a bare end of the stream may be an attacker's cut, so there only a proper goodbye counts as
  // one.
  auto [error, count] =
      tls_ ? co_await tls_->async_read_some(into, kTuple) : co_await plain_->async_read_some(into, kTuple);
  if (error == asio::error::eof) co_return std::size_t{0};
  if (error) co_return failure("Reading from", error);
  co_return count;
}

core::Task<core::Result<void>> Connection::write(asio::const_buffer head, asio::const_buffer body) {
  const std::array<asio::const_buffer, 2> buffers{head, body};
  lowest().expires_after(timeouts_.idle);
  auto [error, count] = tls_ ? co_await asio::async_write(*tls_, buffers, kTuple)
                             : co_await asio::async_write(*plain_, buffers, kTuple);
  if (error) co_return failure("Sending to", error);
  co_return core::Result<void>();
}

bool Connection::usable() {
  pollfd state{lowest().socket().native_handle(), POLLIN | POLLRDHUP, 0};
  return buffer_.size() == 0 && ::poll(&state, 1, 0) == 0;
}

}  // namespace kadenza::middleware
