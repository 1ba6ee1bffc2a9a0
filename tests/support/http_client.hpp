// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include <arpa/inet.h>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <sys/socket.h>

#include "core/unique_fd.hpp"

namespace kadenza::testing {

using HttpResponse = boost::beast::http::response<boost::beast::http::string_body>;

/// A blocking HTTP peer on loopback that sends exactly the bytes it is told to. Every wait has a deadline of
/// 20 s; then, and on anything unexpected, it throws.
class HttpClient {
 public:
  struct Options {
    bool tls = false;
    int receive_buffer = 0;  ///< of the socket; 0 = the system's
    int tls_version = 0;     ///< the only one; 0 = any
  };

  explicit HttpClient(std::uint16_t port) : HttpClient(port, Options{}) {}

  HttpClient(std::uint16_t port, Options options)
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (options.receive_buffer > 0)
      setsockopt(fd(), SOL_SOCKET, SO_RCVBUF, &options.receive_buffer, sizeof options.receive_buffer);
    const int on = 1;
    setsockopt(fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    check(connect(fd(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0, "connect");
    if (options.tls) start_tls(options.tls_version);
  }
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  ~HttpClient() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }

  int fd() const { return socket_.get(); }
  /// Common name of the server's certificate.
  std::string peer_name() const {
    char name[128] = {};
    X509* certificate = SSL_get1_peer_certificate(ssl_);
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
    X509_free(certificate);
    return name;
  }
  std::string tls_version() const { return SSL_get_version(ssl_); }

  /// False when the peer does not take it any more.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      ssize_t sent = 0;
      if (ssl_) {
        sent = SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()));
      } else {
        await(POLLOUT);
        sent = ::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EAGAIN) continue;
      }
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  /// At least one byte; empty at the end of the stream or when it was reset.
  std::string receive() {
    std::string bytes(64 * 1024, '\0');
    ssize_t got = 0;
    if (ssl_) {
      if (SSL_pending(ssl_) == 0) await(POLLIN);
      got = SSL_read(ssl_, bytes.data(), static_cast<int>(bytes.size()));
    } else {
      await(POLLIN);
      got = recv(fd(), bytes.data(), bytes.size(), 0);
    }
    bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return bytes;
  }

  /// Everything up to the end of the stream.
  std::string receive_all() {
    std::string all = std::exchange(left_, {});
    for (auto part = receive(); !part.empty(); part = receive()) all += part;
    return all;
  }

  /// The next response; nullopt when the stream ends before its first byte.
  std::optional<HttpResponse> read_response(bool to_head = false) {
    namespace http = boost::beast::http;
    http::response_parser<http::string_body> parser;
    parser.body_limit(boost::none);
    parser.skip(to_head);
    parser.eager(true);
    while (!parser.is_done()) {
      if (left_.empty()) {
        left_ = receive();
        if (left_.empty() && !parser.got_some()) return std::nullopt;
        check(!left_.empty(), "the response is cut");
      }
      boost::system::error_code error;
      const auto used = parser.put(boost::asio::buffer(left_), error);
      check(!error || error == http::error::need_more, "the response is malformed");
      left_.erase(0, used);
      if (error == http::error::need_more) {
        const auto more = receive();
        check(!more.empty(), "the response is cut");
        left_ += more;
      }
    }
    return parser.release();
  }

  HttpResponse exchange(std::string_view request) {
    check(send(request), "send");
    auto response = read_response(request.starts_with("HEAD"));
    check(response.has_value(), "no response");
    return std::move(*response);
  }

  void finish_sending() { shutdown(fd(), SHUT_WR); }

  /// Closes with a TCP reset.
  void reset() {
    const linger hard{1, 0};
    setsockopt(fd(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    socket_.reset();
  }

 private:
  static void check(bool truth, const char* what) {
    if (!truth) throw std::runtime_error(what);
  }

  void await(short events) const {
    pollfd wait{fd(), events, 0};
    check(poll(&wait, 1, 20'000) == 1, "timed out");
  }

  void start_tls(int version) {
    context_ = SSL_CTX_new(TLS_client_method());
    if (version != 0) {
      SSL_CTX_set_min_proto_version(context_, version);
      SSL_CTX_set_max_proto_version(context_, version);
    }
    ssl_ = SSL_new(context_);
    SSL_set_fd(ssl_, fd());
    check(SSL_connect(ssl_) == 1, "TLS handshake");
  }

  core::UniqueFd socket_;
  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
  std::string left_;  ///< received, but not of the responses read yet
};

}  // namespace kadenza::testing
