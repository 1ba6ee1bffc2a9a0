// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include <netinet/in.h>
#include <openssl/ssl.h>

namespace kadenza::benchmarks::load {

using Clock = std::chrono::steady_clock;

/// A server that does not do what it should; ends the measurement.
struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Where requests go. Only addresses of this machine: what is measured is the server, not a network.
struct Server {
  sockaddr_in address{};
  std::string host;
  std::shared_ptr<SSL_CTX> tls;  ///< none: plain

  /// From "http://127.0.0.1:4747" or "https://…". TLS 1.3 only; certificates are not checked.
  static Server parse(std::string_view url);
};

/// One answer as it comes in.
struct Answer {
  unsigned status = 0;
  std::uint64_t body_left = 0;
  std::uint64_t bytes = 0;  ///< of head and body, so far
  bool head_done = false;

  bool complete() const { return head_done && body_left == 0; }
};

/// One HTTP/1.1 connection without blocking: the caller's epoll says when to go on. One thread.
class Connection {
 public:
  explicit Connection(const Server& server);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  int descriptor() const { return descriptor_; }
  /// Opens the connection (again). The first request may be given at once.
  void open();
  void close();
  /// Begins a request; its bytes must live until the answer is complete.
  void request(std::string_view head);

  /// Sends and receives what goes now, at most `budget` bytes of the answer. True when it is complete.
  bool go_on(std::span<char> buffer, std::uint64_t budget = UINT64_MAX);

  const Answer& answer() const { return answer_; }
  /// When the request began: with connect() for the first one, with its bytes for a later one.
  Clock::time_point started() const { return started_; }
  std::optional<Clock::time_point> first_byte() const { return first_byte_; }

 private:
  bool send_rest();
  std::ptrdiff_t receive(std::span<char> into);
  void take(std::string_view bytes);
  void parse_head();

  const Server& server_;
  int descriptor_ = -1;
  SSL* tls_ = nullptr;
  std::string_view to_send_;
  std::string head_;
  Answer answer_;
  bool used_ = false;
  Clock::time_point started_;
  std::optional<Clock::time_point> first_byte_;
};

}  // namespace kadenza::benchmarks::load
