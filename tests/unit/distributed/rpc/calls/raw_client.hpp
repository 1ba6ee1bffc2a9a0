// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>

#include "distributed/rpc/http2/client_session.hpp"
#include "two_nodes.hpp"

namespace kadenza::distributed::rpc::testing {

/// What a raw client shows of itself.
struct Shown {
  std::optional<tls::Credentials> credentials;  ///< none: no certificate
  const identity::NodeKey* key = nullptr;       ///< of the certificate
  int tls_version = TLS1_3_VERSION;
  std::string protocols = "\x02h2";  ///< ALPN; empty: none
};

/// A blocking TLS client that can be made to misbehave.
class RawClient {
 public:
  explicit RawClient(const boost::asio::ip::tcp::endpoint& server) : socket_(io_) { socket_.connect(server); }
  ~RawClient() { SSL_free(ssl_); }

  boost::asio::ip::tcp::socket& socket() { return socket_; }

  bool handshake(const Shown& shown) {
    context_.reset(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
    SSL_CTX_set_max_proto_version(context_.get(), shown.tls_version);
    if (!shown.protocols.empty())
      SSL_CTX_set_alpn_protos(context_.get(), reinterpret_cast<const unsigned char*>(shown.protocols.data()),
                              static_cast<unsigned>(shown.protocols.size()));
    if (shown.credentials) {
      const std::shared_ptr<BIO> bio(BIO_new_mem_buf(shown.credentials->certificate.data(), -1), BIO_free);
      const std::shared_ptr<X509> certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr),
                                              X509_free);
      EXPECT_EQ(SSL_CTX_use_certificate(context_.get(), certificate.get()), 1);
      EXPECT_EQ(SSL_CTX_use_PrivateKey(context_.get(), shown.key->handle()), 1);
    }
    ssl_ = SSL_new(context_.get());
    SSL_set_fd(ssl_, socket_.native_handle());
    return SSL_connect(ssl_) == 1;
  }

  void send(std::string_view bytes) { SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size())); }

  /// Waits until the server has closed the connection.
  bool closed_by_server() {
    const auto end = std::chrono::steady_clock::now() + 20s;
    std::array<char, 4096> buffer{};
    while (std::chrono::steady_clock::now() < end) {
      pollfd waiting{socket_.native_handle(), POLLIN, 0};
      if (::poll(&waiting, 1, 1000) == 0) continue;
      boost::system::error_code error;
      socket_.read_some(boost::asio::buffer(buffer), error);
      if (error) return true;
    }
    return false;
  }

  /// Reads until `done`; false when the connection ends or ten seconds have passed.
  template <class Done>
  bool read_until(http2::Session& session, Done done) {
    const auto end = std::chrono::steady_clock::now() + 10s;
    std::array<std::uint8_t, 16384> buffer{};
    while (!done()) {
      pollfd waiting{socket_.native_handle(), POLLIN, 0};
      if (SSL_pending(ssl_) == 0 && ::poll(&waiting, 1, 100) == 0) {
        if (std::chrono::steady_clock::now() > end) return false;
        continue;
      }
      const int size = SSL_read(ssl_, buffer.data(), static_cast<int>(buffer.size()));
      if (size <= 0 || !session.receive({buffer.data(), static_cast<std::size_t>(size)})) return false;
      flush(session);
    }
    return true;
  }
  void flush(http2::Session& session) {
    std::vector<std::uint8_t> bytes;
    session.produce(bytes, 1 << 30);
    if (!bytes.empty()) SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()));
  }

 private:
  boost::asio::io_context io_;
  boost::asio::ip::tcp::socket socket_;
  std::shared_ptr<SSL_CTX> context_;
  SSL* ssl_ = nullptr;
};

}  // namespace kadenza::distributed::rpc::testing
