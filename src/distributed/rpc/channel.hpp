// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <vector>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "core/error.hpp"
#include "core/task.hpp"
#include "distributed/rpc/http2/session.hpp"
#include "distributed/rpc/refusals.hpp"
#include "distributed/rpc/tls/peer_check.hpp"
#include "distributed/rpc/tls/tls_engine.hpp"

namespace kadenza::distributed::rpc {

/// A TCP connection that carries an HTTP/2 session over TLS. Whatever has gathered while a write was under
/// way goes out in one write. Lives on its socket's executor, a strand; its own handlers keep it alive until
/// it is closed.
class Channel : public std::enable_shared_from_this<Channel> {
 public:
  using Socket = boost::asio::ip::tcp::socket;
  using TimePoint = std::chrono::steady_clock::time_point;

  virtual ~Channel() = default;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  /// At once. On the strand.
  void close(const core::Error& why);
  boost::asio::any_io_executor executor() { return socket_.get_executor(); }

 protected:
  explicit Channel(Socket socket);

  /// Until `deadline`. After a failure the other side has been told and the socket is closed.
  core::Task<std::expected<void, Refusal>> handshake(std::unique_ptr<tls::TlsEngine> engine,
                                                     const tls::PeerCheck& check, TimePoint deadline);
  /// Begins to read; `session` is owned by the derived class. on_tick() comes every `tick`.
  void start(http2::Session& session, std::chrono::milliseconds tick);
  /// Sends what the session has to say. Cheap when that is nothing; may be called from the session's hooks.
  void flush();

  bool closed() const noexcept { return closed_; }
  Socket& socket() noexcept { return socket_; }
  TimePoint last_received() const noexcept { return last_received_; }
  /// Since when the other side has not taken what we send; none when nothing waits.
  std::optional<TimePoint> stalled_since() const noexcept { return waiting_since_; }

  /// Once, whatever the reason; never from within handshake().
  virtual void on_closed(const core::Error& why) = 0;
  /// The other side broke the rules of HTTP/2.
  virtual void on_protocol_error() {}
  virtual void on_tick(TimePoint now) = 0;

 private:
  enum class Sent : std::uint8_t { kAll, kWaits, kFailed };

  core::Task<bool> send_all(std::vector<std::uint8_t>& bytes);
  core::Task<void> linger();
  void tick_later();
  void read();
  void read_now();
  void process();
  bool fill();
  Sent send_now();

  Socket socket_;
  boost::asio::steady_timer timer_;
  std::unique_ptr<tls::TlsEngine> engine_;
  http2::Session* session_ = nullptr;
  std::chrono::milliseconds tick_{};
  std::vector<std::uint8_t> plain_;    ///< from the session, not yet encrypted
  std::vector<std::uint8_t> sending_;  ///< ciphertext under way, from sent_ on
  std::size_t sent_ = 0;
  TimePoint last_received_;
  std::optional<TimePoint> waiting_since_;  ///< for room in the socket
  std::optional<core::Error> closing_;
  bool processing_ = false;
  bool turn_posted_ = false;
  bool closed_ = false;
};

}  // namespace kadenza::distributed::rpc
