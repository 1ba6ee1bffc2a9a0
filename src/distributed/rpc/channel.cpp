// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/rpc/channel.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>

namespace kadenza::distributed::rpc {

namespace asio = boost::asio;
using boost::system::error_code;
using core::Errc;
using core::Error;
using tls::TlsEngine;

namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kWriteBytes = 256 << 10;
constexpr int kWritesPerTurn = 8;
constexpr std::size_t kPlainKept = 64 << 10;
/// What TLS itself may have to say at a time; more only when somebody makes it say it (KeyUpdate).
constexpr std::size_t kUnsentMax = 4 << 20;
constexpr auto kLinger = std::chrono::milliseconds(500);
constexpr std::size_t kLingerBytes = 256 << 10;
constexpr std::uint8_t kHandshakeRecord = 0x16;

std::string tls_reason() {
  const auto* reason = ERR_reason_error_string(ERR_peek_error());
  ERR_clear_error();
  return reason == nullptr ? "unknown" : reason;
}

/// OpenSSL asks us only about what the other side offers, and that may be nothing.
bool agreed_on_http2(const TlsEngine& engine) {
  const unsigned char* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(engine.ssl(), &protocol, &size);
  return std::string_view(reinterpret_cast<const char*>(protocol), size) == "h2";
}

}  // namespace

Channel::Channel(Socket socket) : socket_(std::move(socket)), timer_(socket_.get_executor()) {}

core::Task<bool> Channel::send_all(std::vector<std::uint8_t>& bytes) {
  if (bytes.empty()) co_return true;
  const auto [error, size] = co_await asio::async_write(socket_, asio::buffer(bytes), kAwait);
  bytes.clear();
  co_return !error;
}

/// Reads on for a moment: closing a socket with unread bytes would take back what was said last.
core::Task<void> Channel::linger() {
  error_code error;
  socket_.shutdown(Socket::shutdown_send, error);
  timer_.expires_after(kLinger);
  timer_.async_wait([self = shared_from_this()](error_code cancelled) {
    if (!cancelled) self->socket_.cancel(cancelled);
  });
  for (std::size_t total = 0; !error && total < kLingerBytes;) {
    const auto [failed, size] = co_await socket_.async_read_some(asio::buffer(plain_), kAwait);
    error = failed;
    total += size;
  }
  timer_.cancel();
}

core::Task<std::expected<void, Refusal>> Channel::handshake(std::unique_ptr<TlsEngine> engine,
                                                            const tls::PeerCheck& check, TimePoint deadline) {
  engine_ = std::move(engine);
  error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  const auto late = std::make_shared<bool>(false);
  timer_.expires_at(deadline);
  timer_.async_wait([self = shared_from_this(), late](error_code cancelled) {
    if (cancelled) return;
    *late = true;
    self->socket_.cancel(cancelled);
  });
  std::optional<Refusal> refusal;
  for (bool first = true; !refusal;) {
    const auto progress = engine_->handshake();
    if (progress == TlsEngine::Progress::kFailed) refusal = tls::refusal_of_failure(check);
    if (progress == TlsEngine::Progress::kDone && !agreed_on_http2(*engine_))
      refusal = Refusal::kBadHandshake;
    const bool sent = co_await send_all(engine_->outgoing());
    if (refusal || progress == TlsEngine::Progress::kDone) break;
    const auto space = engine_->space();
    std::size_t size = 0;
    if (sent) {
      const auto [error, got] =
          co_await socket_.async_read_some(asio::buffer(space.data(), space.size()), kAwait);
      size = error ? 0 : got;
    }
    if (size == 0) {
      refusal = *late ? Refusal::kHandshakeTimeout : Refusal::kBadHandshake;
    } else if (std::exchange(first, false) && space[0] != kHandshakeRecord) {
      refusal = Refusal::kPlainText;
    }
    engine_->received(size);
  }
  timer_.cancel();
  if (!refusal) co_return std::expected<void, Refusal>();
  plain_.resize(kPlainKept);
  if (!*late) co_await linger();
  closed_ = true;
  socket_.close(ignored);
  co_return std::unexpected(*refusal);
}

void Channel::start(http2::Session& session, std::chrono::milliseconds tick) {
  session_ = &session;
  tick_ = tick;
  last_received_ = std::chrono::steady_clock::now();
  error_code error;
  socket_.non_blocking(true, error);
  tick_later();
  process();  // the handshake's last read may have brought more
  read();
}

void Channel::tick_later() {
  if (closed_) return;
  timer_.expires_after(tick_);
  timer_.async_wait([self = shared_from_this()](error_code error) {
    if (error || self->closed_) return;
    self->engine_->shrink();
    self->on_tick(std::chrono::steady_clock::now());
    self->tick_later();
  });
}

/// While it waits, no buffer is in use: shrink() may take it back.
void Channel::read() {
  if (closed_) return;
  socket_.async_wait(Socket::wait_read, [self = shared_from_this()](error_code error) {
    if (self->closed_) return;
    if (error) return self->close({Errc::kUnavailable, error.message()});
    self->read_now();
    self->read();
  });
}

void Channel::read_now() {
  const auto space = engine_->space();
  error_code error;
  const auto size = socket_.read_some(asio::buffer(space.data(), space.size()), error);
  if (error == asio::error::would_block || error == asio::error::try_again) return;
  if (error) return close({Errc::kUnavailable, error.message()});
  last_received_ = std::chrono::steady_clock::now();
  engine_->received(size);
  process();
}

void Channel::process() {
  processing_ = true;
  while (!closed_ && !closing_) {
    std::span<const std::uint8_t> plain;
    const auto progress = engine_->read(plain);
    if (!plain.empty()) {
      if (auto received = session_->receive(plain); !received) {
        on_protocol_error();
        closing_ = std::move(received).error();
      }
      continue;
    }
    if (progress == TlsEngine::Progress::kMore && engine_->outgoing().size() <= kUnsentMax) break;
    close(progress == TlsEngine::Progress::kDone
              ? Error{Errc::kUnavailable, "the other node closed the connection"}
              : Error{Errc::kUnavailable, "the other node broke off: " + tls_reason()});
  }
  processing_ = false;
  flush();
}

bool Channel::fill() {
  if (sent_ < sending_.size()) return true;
  sending_.clear();
  sent_ = 0;
  plain_.clear();
  session_->produce(plain_, kWriteBytes);
  if (!engine_->write(plain_)) {
    close({Errc::kUnavailable, "the connection is broken: " + tls_reason()});
    return false;
  }
  if (plain_.capacity() > 2 * kWriteBytes) plain_.shrink_to_fit();
  std::swap(sending_, engine_->outgoing());
  return !sending_.empty();
}

Channel::Sent Channel::send_now() {
  error_code error;
  const auto size = socket_.write_some(asio::buffer(sending_.data() + sent_, sending_.size() - sent_), error);
  sent_ += size;
  if (!error && sent_ == sending_.size()) return Sent::kAll;
  if (error && error != asio::error::would_block && error != asio::error::try_again) {
    close({Errc::kUnavailable, error.message()});
    return Sent::kFailed;
  }
  waiting_since_ = std::chrono::steady_clock::now();
  socket_.async_wait(Socket::wait_write, [self = shared_from_this()](error_code failed) {
    self->waiting_since_.reset();
    if (failed && !self->closed_) return self->close({Errc::kUnavailable, failed.message()});
    self->flush();
  });
  return Sent::kWaits;
}

void Channel::flush() {
  if (closed_ || processing_ || waiting_since_ || session_ == nullptr) return;
  for (int writes = 0; writes < kWritesPerTurn; ++writes) {
    if (!fill()) {
      if (closed_) return;
      if (closing_) return close(*closing_);
      if (session_->finished()) close({Errc::kUnavailable, "the connection has ended"});
      return;
    }
    if (send_now() != Sent::kAll) return;
  }
  if (turn_posted_) return;
  turn_posted_ = true;
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    self->turn_posted_ = false;
    self->flush();
  });
}

void Channel::close(const Error& why) {
  if (std::exchange(closed_, true)) return;
  error_code ignored;
  if (engine_ && sent_ == sending_.size()) {
    engine_->finish();
    const auto& last = engine_->outgoing();
    if (!last.empty()) socket_.write_some(asio::buffer(last), ignored);
  }
  timer_.cancel();
  socket_.close(ignored);
  on_closed(why);
}

}  // namespace kadenza::distributed::rpc
