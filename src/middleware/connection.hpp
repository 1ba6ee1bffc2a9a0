// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>

#include "core/error.hpp"
#include "core/task.hpp"
#include "middleware/endpoint.hpp"
#include "middleware/leash.hpp"

namespace kadenza::middleware {

/// How long one step may take; a transfer as a whole may take any time as long as it moves.
struct Timeouts {
  std::chrono::milliseconds connect{3000};  ///< name, TCP and TLS together
  std::chrono::milliseconds idle{30000};    ///< for one read or write to move at all
};

/// What is trusted under TLS: the system's authorities, or those of `authorities` (PEM) alone. TLS 1.3, host
/// names verified. kInvalidArgument when the file cannot be read.
core::Result<std::shared_ptr<boost::asio::ssl::context>> make_tls_context(
    const std::optional<std::filesystem::path>& authorities);

/// One TCP or TLS connection to a node. One owner, one read and one write at a time, on its executor's
/// thread. Errors are kUnavailable with a sentence that names the server.
class Connection {
 public:
  static core::Task<core::Result<std::unique_ptr<Connection>>> open(
      Endpoint endpoint, std::shared_ptr<boost::asio::ssl::context> tls, Timeouts timeouts,
      Leash* leash = nullptr);

  /// 0 = the peer ended the stream in good order.
  core::Task<core::Result<std::size_t>> read_some(boost::asio::mutable_buffer into);
  /// Both buffers as a whole; either may be empty.
  core::Task<core::Result<void>> write(boost::asio::const_buffer head, boost::asio::const_buffer body);

  const Endpoint& endpoint() const noexcept { return endpoint_; }
  /// Bytes read from the stream but not used yet.
  boost::beast::flat_buffer& buffer() noexcept { return buffer_; }
  /// False when the peer closed, or sent what nobody asked for, while the connection lay idle.
  bool usable();
  /// From the next read or write on.
  void set_idle_limit(std::chrono::milliseconds limit) noexcept { timeouts_.idle = limit; }
  boost::beast::tcp_stream& lowest() noexcept { return tls_ ? tls_->next_layer() : *plain_; }

 private:
  Connection(Endpoint endpoint, Timeouts timeouts, boost::beast::tcp_stream stream,
             std::shared_ptr<boost::asio::ssl::context> tls);
  core::Task<core::Result<void>> handshake();
  std::unexpected<core::Error> failure(std::string_view what, const boost::system::error_code& error) const;

  Endpoint endpoint_;
  Timeouts timeouts_;
  std::shared_ptr<boost::asio::ssl::context> context_;
  std::optional<boost::beast::tcp_stream> plain_;
  std::optional<boost::beast::ssl_stream<boost::beast::tcp_stream>> tls_;
  boost::beast::flat_buffer buffer_;
};

}  // namespace kadenza::middleware
