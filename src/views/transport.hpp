// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include <boost/asio/ip/tcp.hpp>
#include <openssl/types.h>

#include "core/audio_stream.hpp"
#include "core/task.hpp"

namespace kadenza::views {

/// What to send, in this order. The texts stay where they are until send() has answered; the file's bytes
/// never change.
struct Outgoing {
  std::string_view head;
  std::string_view body;
  std::optional<core::FileSlice> file;

  std::uint64_t size() const { return head.size() + body.size() + (file ? file->range.length : 0); }
};

/// One peer's TCP connection, plain or TLS. It tries each operation at once and waits for the socket only
/// when it must; while waiting it holds no buffer (TLS: at most one record), so that thousands of slow
/// listeners cost little. Lives on its connection's strand. Errors: `timed_out` when nothing moved for the
/// time given, `operation_aborted` after abort(), else the socket's.
class Transport {
 public:
  using Socket = boost::asio::ip::tcp::socket;
  using ErrorCode = boost::system::error_code;
  using Millis = std::chrono::milliseconds;
  using TimePoint = std::chrono::steady_clock::time_point;

  /// `tls` null: plain.
  Transport(Socket socket, SSL_CTX* tls);
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  bool is_tls() const noexcept { return ssl_ != nullptr; }
  Socket& socket() noexcept { return socket_; }

  core::Task<ErrorCode> handshake(Millis timeout);
  /// At least one byte; 0 = the peer has finished sending. Waits until `deadline`.
  core::Task<std::size_t> read_some(std::span<std::uint8_t> out, TimePoint deadline, ErrorCode& error);
  /// All of it; fails when the peer took nothing for `stalled`. `sent` counts what went into the socket.
  core::Task<ErrorCode> send(Outgoing outgoing, Millis stalled, std::uint64_t& sent);
  /// Tells the peer that nothing more will come; reading goes on.
  void finish_sending();
  /// Everything under way and to come fails. On the strand.
  void abort();

 private:
  struct Watchdog;
  enum class Next : std::uint8_t { kDone, kWaitRead, kWaitWrite, kFailed };

  core::Task<ErrorCode> wait(Socket::wait_type what, TimePoint deadline);
  core::Task<ErrorCode> wait_for_room(Millis stalled);
  core::Task<void> let_others_run(std::size_t bytes);
  Next read_now(std::span<std::uint8_t> out, std::size_t& count, ErrorCode& error);
  Next send_now(const Outgoing& outgoing, std::uint64_t offset, std::size_t& count, ErrorCode& error);
  Next send_plain(const Outgoing& outgoing, std::uint64_t offset, std::size_t& count, ErrorCode& error);
  Next send_tls(const Outgoing& outgoing, std::uint64_t offset, std::size_t& count, ErrorCode& error);
  Next tls_outcome(int result, ErrorCode& error);
  int unsent_bytes() const;

  Socket socket_;
  SSL* ssl_ = nullptr;
  std::shared_ptr<Watchdog> watchdog_;
  std::size_t bytes_this_turn_ = 0;
  bool broken_ = false;  ///< TLS may not be used any more after a fatal error
};

}  // namespace kadenza::views
