// SPDX-License-Identifier: AGPL-3.0-or-later
#include "views/transport.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

namespace kadenza::views {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

/// After so many bytes without waiting, other connections of the thread get their turn.
constexpr std::size_t kBytesPerTurn = 1024 * 1024;
/// Up to here, copying a file behind the head costs less than the second call that sendfile needs.
constexpr std::size_t kGatherBytes = 16 * 1024;
constexpr std::size_t kSendfileBytes = 1024 * 1024;
constexpr std::size_t kTlsReadAhead = 128 * 1024;
/// What may lie unsent in the kernel: enough to keep a fast link busy, little enough for 1,000 slow
/// listeners.
constexpr int kUnsentBytesMax = 256 * 1024;

/// Shared by all connections of a thread: never kept across a wait.
std::span<std::uint8_t> scratch() {
  static thread_local std::array<std::uint8_t, kTlsReadAhead> buffer;
  return buffer;
}

boost::system::error_code last_error() {
  return {errno, boost::system::system_category()};
}

/// Copies the bytes of `outgoing` from `offset` on; short when the file is shorter than promised.
std::size_t copy_out(const Outgoing& outgoing, std::uint64_t offset, std::span<std::uint8_t> out) {
  std::size_t filled = 0;
  for (const auto part : {outgoing.head, outgoing.body}) {
    if (offset < part.size()) {
      const auto rest = part.substr(offset, out.size() - filled);
      std::copy(rest.begin(), rest.end(), out.begin() + static_cast<std::ptrdiff_t>(filled));
      filled += rest.size();
      offset = 0;
    } else {
      offset -= part.size();
    }
  }
  if (!outgoing.file || filled == out.size() || offset >= outgoing.file->range.length) return filled;
  const auto wanted = std::min<std::uint64_t>(out.size() - filled, outgoing.file->range.length - offset);
  const auto got = pread(outgoing.file->descriptor, out.data() + filled, wanted,
                         static_cast<off_t>(outgoing.file->range.offset + offset));
  return filled + (got > 0 ? static_cast<std::size_t>(got) : 0);
}

}  // namespace

/// Ends a wait that takes too long. The timer runs out rarely: a later deadline is only noted, and the timer
/// set anew when it fires; so a request costs no timer operation.
struct Transport::Watchdog : std::enable_shared_from_this<Watchdog> {
  explicit Watchdog(Socket& watched) : socket(&watched), timer(watched.get_executor()) {}

  void expect_by(TimePoint by) {
    deadline = by;
    if (!ticking || by < wakes_at) start(by);
  }

  void start(TimePoint at) {
    ticking = true;
    wakes_at = at;
    timer.expires_at(at);
    timer.async_wait([self = shared_from_this(), round = ++rounds](const ErrorCode&) {
      if (round == self->rounds) self->fire();
    });
  }

  void fire() {
    ticking = false;
    if (!socket || deadline == TimePoint::max()) return;
    if (Clock::now() < deadline) return start(deadline);
    expired = true;
    ErrorCode ignored;
    socket->cancel(ignored);
  }

  void stop() {
    socket = nullptr;
    ++rounds;
    timer.cancel();
  }

  Socket* socket;
  asio::steady_timer timer;
  TimePoint deadline = TimePoint::max();
  TimePoint wakes_at{};
  unsigned rounds = 0;
  bool ticking = false;
  bool expired = false;
  bool aborted = false;
};

Transport::Transport(Socket socket, SSL_CTX* tls)
    : socket_(std::move(socket)), watchdog_(std::make_shared<Watchdog>(socket_)) {
  ErrorCode ignored;
  socket_.native_non_blocking(true, ignored);
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  const int unsent = kUnsentBytesMax;
  setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
  if (!tls) return;
  ssl_ = SSL_new(tls);
  broken_ = !ssl_ || SSL_set_fd(ssl_, socket_.native_handle()) != 1;
  if (ssl_) SSL_set_accept_state(ssl_);
}

Transport::~Transport() {
  watchdog_->stop();
  SSL_free(ssl_);
}

void Transport::abort() {
  watchdog_->aborted = true;
  ErrorCode ignored;
  socket_.cancel(ignored);
}

core::Task<Transport::ErrorCode> Transport::wait(Socket::wait_type what, TimePoint deadline) {
  if (watchdog_->aborted) co_return asio::error::operation_aborted;
  bytes_this_turn_ = 0;
  watchdog_->expired = false;
  watchdog_->expect_by(deadline);
  const auto [error] = co_await socket_.async_wait(what, kAwait);
  watchdog_->deadline = TimePoint::max();
  if (watchdog_->aborted) co_return asio::error::operation_aborted;
  if (watchdog_->expired) co_return asio::error::timed_out;
  co_return error;
}

int Transport::unsent_bytes() const {
  int bytes = 0;
  return ioctl(const_cast<Socket&>(socket_).native_handle(), SIOCOUTQ, &bytes) == 0 ? bytes : 0;
}

/// The kernel reports room only after a good part of its buffer has drained; a listener at a few kB/s is
/// slower than that, but moves.
core::Task<Transport::ErrorCode> Transport::wait_for_room(Millis stalled) {
  for (int before = unsent_bytes();;) {
    const auto error = co_await wait(Socket::wait_write, Clock::now() + stalled);
    if (error != asio::error::timed_out) co_return error;
    const int now = unsent_bytes();
    if (now >= before) co_return error;
    before = now;
  }
}

core::Task<void> Transport::let_others_run(std::size_t bytes) {
  bytes_this_turn_ += bytes;
  if (bytes_this_turn_ < kBytesPerTurn) co_return;
  bytes_this_turn_ = 0;
  co_await asio::post(socket_.get_executor(), asio::use_awaitable);
}

Transport::Next Transport::tls_outcome(int result, ErrorCode& error) {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      return Next::kWaitRead;
    case SSL_ERROR_WANT_WRITE:
      return Next::kWaitWrite;
    case SSL_ERROR_ZERO_RETURN:
      return Next::kDone;
    case SSL_ERROR_SYSCALL:
      error = errno ? last_error() : ErrorCode(asio::error::eof);
      break;
    default:
      error = asio::error::connection_reset;
  }
  broken_ = true;
  return Next::kFailed;
}

core::Task<Transport::ErrorCode> Transport::handshake(Millis timeout) {
  if (broken_) co_return asio::error::no_memory;
  const auto deadline = Clock::now() + timeout;
  for (;;) {
    ERR_clear_error();
    errno = 0;
    const int result = SSL_accept(ssl_);
    if (result == 1) co_return ErrorCode{};
    ErrorCode error;
    const auto next = tls_outcome(result, error);
    if (next == Next::kDone) co_return asio::error::eof;
    if (next == Next::kFailed) co_return error;
    error = co_await wait(next == Next::kWaitRead ? Socket::wait_read : Socket::wait_write, deadline);
    if (error) co_return error;
  }
}

Transport::Next Transport::read_now(std::span<std::uint8_t> out, std::size_t& count, ErrorCode& error) {
  if (ssl_) {
    ERR_clear_error();
    errno = 0;
    const int result = SSL_read_ex(ssl_, out.data(), out.size(), &count);
    return result == 1 ? Next::kDone : tls_outcome(result, error);
  }
  const auto got = recv(socket_.native_handle(), out.data(), out.size(), 0);
  if (got >= 0) {
    count = static_cast<std::size_t>(got);
    return Next::kDone;
  }
  if (errno == EAGAIN || errno == EINTR) return Next::kWaitRead;
  error = last_error();
  return Next::kFailed;
}

core::Task<std::size_t> Transport::read_some(std::span<std::uint8_t> out, TimePoint deadline,
                                             ErrorCode& error) {
  error = {};
  while (!broken_ && !watchdog_->aborted) {
    std::size_t count = 0;
    const auto next = read_now(out, count, error);
    if (next == Next::kFailed) co_return 0;
    if (next == Next::kDone) {
      co_await let_others_run(count);
      co_return count;
    }
    error = co_await wait(next == Next::kWaitRead ? Socket::wait_read : Socket::wait_write, deadline);
    if (error) co_return 0;
  }
  error = asio::error::operation_aborted;
  co_return 0;
}

Transport::Next Transport::send_plain(const Outgoing& outgoing, std::uint64_t offset, std::size_t& count,
                                      ErrorCode& error) {
  const auto in_memory = outgoing.head.size() + outgoing.body.size();
  const auto in_file = outgoing.size() - in_memory;
  ssize_t sent = 0;
  if (offset >= in_memory) {
    auto at = static_cast<off_t>(outgoing.file->range.offset + offset - in_memory);
    const auto wanted = std::min<std::uint64_t>(outgoing.size() - offset, kSendfileBytes);
    sent = sendfile(socket_.native_handle(), outgoing.file->descriptor, &at, wanted);
    if (sent == 0) errno = EIO;  // the file is shorter than its record says
  } else if (in_file > 0 && in_file <= kGatherBytes && outgoing.size() - offset <= scratch().size()) {
    const auto size = copy_out(outgoing, offset, scratch());
    sent = ::send(socket_.native_handle(), scratch().data(), size, MSG_NOSIGNAL);
  } else {
    const auto head = outgoing.head.substr(std::min<std::uint64_t>(offset, outgoing.head.size()));
    const auto body = outgoing.body.substr(offset > outgoing.head.size() ? offset - outgoing.head.size() : 0);
    iovec parts[2] = {{const_cast<char*>(head.data()), head.size()},
                      {const_cast<char*>(body.data()), body.size()}};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    sent = sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | (in_file > 0 ? MSG_MORE : 0));
  }
  if (sent > 0) {
    count = static_cast<std::size_t>(sent);
    return Next::kDone;
  }
  if (errno == EAGAIN || errno == EINTR) return Next::kWaitWrite;
  error = last_error();
  return Next::kFailed;
}

/// SSL_write takes one record of 16 KiB at a time; the next one is read again after a wait, so nothing is
/// held.
Transport::Next Transport::send_tls(const Outgoing& outgoing, std::uint64_t offset, std::size_t& count,
                                    ErrorCode& error) {
  const auto size = copy_out(outgoing, offset, scratch());
  if (size < std::min<std::uint64_t>(outgoing.size() - offset, scratch().size())) {
    error = ErrorCode(EIO, boost::system::system_category());
    return Next::kFailed;
  }
  while (count < size) {
    ERR_clear_error();
    errno = 0;
    std::size_t written = 0;
    const int result = SSL_write_ex(ssl_, scratch().data() + count, size - count, &written);
    if (result != 1) {
      const auto next = tls_outcome(result, error);
      if (next == Next::kDone) error = asio::error::eof;
      return next == Next::kDone ? Next::kFailed : next;
    }
    count += written;
  }
  return Next::kDone;
}

Transport::Next Transport::send_now(const Outgoing& outgoing, std::uint64_t offset, std::size_t& count,
                                    ErrorCode& error) {
  return ssl_ ? send_tls(outgoing, offset, count, error) : send_plain(outgoing, offset, count, error);
}

core::Task<Transport::ErrorCode> Transport::send(Outgoing outgoing, Millis stalled, std::uint64_t& sent) {
  const auto size = outgoing.size();
  for (std::uint64_t offset = 0; offset < size;) {
    if (broken_ || watchdog_->aborted) co_return asio::error::operation_aborted;
    std::size_t count = 0;
    ErrorCode error;
    const auto next = send_now(outgoing, offset, count, error);
    offset += count;
    sent += count;
    if (next == Next::kFailed) co_return error;
    if (next == Next::kDone) {
      if (offset < size) co_await let_others_run(count);
      continue;
    }
    if (next == Next::kWaitWrite) {
      error = co_await wait_for_room(stalled);
    } else {
      error = co_await wait(Socket::wait_read, Clock::now() + stalled);
    }
    if (error) co_return error;
  }
  co_return ErrorCode{};
}

void Transport::finish_sending() {
  if (ssl_ && !broken_) {
    ERR_clear_error();
    SSL_shutdown(ssl_);
  }
  ErrorCode ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
}

}  // namespace kadenza::views
