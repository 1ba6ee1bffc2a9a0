// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/rpc/client_connection.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include "distributed/rpc/udp_socket.hpp"

namespace kadenza::distributed::rpc {

namespace asio = boost::asio;
using asio::ip::tcp;
using core::Errc;
using core::fail;

namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

http2::Session::Limits client_limits() {
  return {.message_bytes = peers::kMessageBytesMax,
          .call_window = peers::kMessageBytesMax + (64 << 10),
          .connection_window = 32 << 20};
}

}  // namespace

ClientConnection::ClientConnection(asio::any_io_executor strand, tls::PeerCheck check, PeerTimes times,
                                   Closed closed)
    : Channel(Socket(std::move(strand))),
      check_(std::move(check)),
      times_(times),
      when_closed_(std::move(closed)) {}

core::Task<core::Result<void>> ClientConnection::connect(kademlia::Endpoint to, TimePoint deadline) {
  const auto address = to_asio(to);
  asio::steady_timer timer(executor(), deadline);
  auto give_up = [self = shared_from_this()](boost::system::error_code cancelled) {
    if (!cancelled) static_cast<ClientConnection&>(*self).socket().close(cancelled);
  };
  timer.async_wait(std::move(give_up));
  const auto [error] =
      co_await socket().async_connect(tcp::endpoint(address.address(), address.port()), kAwait);
  if (!error && timer.cancel() != 0) co_return core::Result<void>();
  co_return fail(Errc::kUnavailable, fmt::format("nobody answers at {} ({})", to.text(),
                                                 socket().is_open() ? error.message() : "timed out"));
}

core::Task<core::Result<void>> ClientConnection::open(kademlia::Endpoint to, TimePoint deadline) {
  auto connecting = connect(to, deadline);
  auto connected = co_await std::move(connecting);
  if (!connected) co_return std::unexpected(std::move(connected).error());
  auto engine = std::make_unique<tls::TlsEngine>(check_.contexts->client, tls::TlsEngine::Role::kClient);
  tls::attach(check_, *engine);
  auto shaking = handshake(std::move(engine), check_, deadline);
  const auto agreed = co_await std::move(shaking);
  if (!agreed) {
    refusal_ = agreed.error();
    co_return fail(Errc::kUnavailable, fmt::format("whoever answers at {} is not trusted: {}", to.text(),
                                                   tls::describe(*refusal_)));
  }
  if (closed()) co_return fail(Errc::kUnavailable, "the connection was closed");
  http2::ClientSession::Listener& listener = *this;
  session_ = std::make_unique<http2::ClientSession>(client_limits(), check_.id.text(), listener);
  last_call_ = std::chrono::steady_clock::now();
  Channel::start(*session_, times_.tick);
  co_return core::Result<void>();
}

ClientConnection::Stream ClientConnection::start(std::string_view path, std::string request,
                                                 std::optional<core::Duration> timeout, Answered answered) {
  last_call_ = std::chrono::steady_clock::now();
  if (calls_.empty()) waiting_since_ = last_call_;
  const auto stream = session_->start(path, std::move(request), timeout);
  calls_.emplace(stream, std::move(answered));
  flush();
  return stream;
}

void ClientConnection::cancel(Stream stream) {
  if (calls_.erase(stream) == 0) return;
  session_->cancel(stream);
  flush();
}

void ClientConnection::on_reply(Stream stream, core::Result<std::string> reply) {
  proven_ = true;
  const auto found = calls_.find(stream);
  if (found == calls_.end()) return;
  const auto answered = std::move(found->second);
  calls_.erase(found);
  answered(std::move(reply));
}

void ClientConnection::on_closed(const core::Error& why) {
  auto calls = std::move(calls_);
  calls_.clear();
  for (const auto& [stream, answered] : calls) answered(std::unexpected(why));
  if (session_) when_closed_(this, why);
}

void ClientConnection::on_tick(TimePoint now) {
  if (calls_.empty() && now - last_call_ > times_.idle)
    return close({Errc::kUnavailable, "the connection was idle"});
  ask_whether_alive(now);
}

/// A stopped process keeps its connections, and the network may lose one without a word.
void ClientConnection::ask_whether_alive(TimePoint now) {
  if (calls_.empty() || (asked_ && last_received() >= *asked_)) asked_.reset();
  if (calls_.empty()) return;
  if (!asked_ && now - std::max(last_received(), waiting_since_) > times_.quiet) {
    asked_ = now;
    session_->ping();
    return flush();
  }
  if (asked_ && now - *asked_ > times_.answer) close({Errc::kUnavailable, "the other node does not react"});
}

}  // namespace kadenza::distributed::rpc
