// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>

#include "views/environment.hpp"
#include "views/request.hpp"
#include "views/response.hpp"
#include "views/transport.hpp"

namespace kadenza::views {

/// One peer's connection: reads requests one after the other, answers them in order. Everything runs on the
/// socket's executor, a strand; stop_soon() and abort() may be called from any thread.
class Connection final : public std::enable_shared_from_this<Connection>, private RequestBody {
 public:
  Connection(Transport::Socket socket, boost::asio::ip::tcp::endpoint peer, SSL_CTX* tls,
             Environment& environment);

  core::Task<void> run();
  boost::asio::cancellation_slot cancellation() { return cancel_.slot(); }

  /// Closes when no request is under way, else after its answer.
  void stop_soon();
  /// Cuts off whatever is under way.
  void abort();

 private:
  using Parser = http::request_parser<http::buffer_body>;
  using TimePoint = Transport::TimePoint;
  enum class Head : std::uint8_t { kRequest, kRefused, kClosed };

  // RequestBody
  core::Task<core::Result<std::size_t>> read(std::span<std::uint8_t> out) override;
  std::optional<std::uint64_t> length() const override;
  core::Result<void> limit(std::uint64_t bytes) override;

  core::Task<Head> read_head(Response& refusal);
  std::optional<Response> refusal_of(const Parser::value_type& head) const;
  std::optional<Response> refusal_of(Transport::ErrorCode parse_error) const;
  core::Task<bool> answer_one();
  core::Task<bool> send(Response response, bool keep_alive);
  core::Task<Transport::ErrorCode> send_stream(std::string_view head, StreamBody& body);
  std::string head_of(const Response& response, bool keep_alive) const;
  bool body_can_be_skipped() const;
  core::Task<bool> skip_body();
  core::Task<void> linger();
  core::Task<std::size_t> receive(std::size_t bytes, TimePoint deadline);
  core::Result<std::size_t> parse_body(std::span<std::uint8_t> out);
  core::Error why_body_stopped();
  std::uint64_t body_left() const;
  void log(unsigned status, std::string_view user, std::chrono::nanoseconds took) const;

  Environment& environment_;
  boost::asio::ip::tcp::endpoint peer_;
  boost::asio::any_io_executor executor_;
  Transport transport_;
  boost::asio::cancellation_signal cancel_;
  boost::beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  Transport::ErrorCode read_error_;  ///< of the last receive()
  std::uint64_t body_bytes_ = 0, body_limit_ = 0;
  bool continue_pending_ = false;  ///< the peer waits for "100 Continue" before it sends the body
  bool body_timed_out_ = false;
  bool idle_ = true;
  std::string request_id_;
  std::uint64_t sent_bytes_ = 0;  ///< of the answer under way
};

}  // namespace kadenza::views
