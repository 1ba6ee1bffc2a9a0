// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>

#include "core/error.hpp"
#include "core/task.hpp"
#include "middleware/connection.hpp"
#include "middleware/endpoint.hpp"

namespace kadenza::middleware {

/// The bytes of a request, read piece by piece while they are sent. One owner, one call at a time.
class RequestBody {
 public:
  virtual ~RequestBody() = default;
  virtual std::uint64_t size() const = 0;
  /// Fills `into` as far as it can; 0 only at the end.
  virtual core::Task<core::Result<std::size_t>> read(std::span<std::uint8_t> into) = 0;
  /// Back to the first byte, to send the request once more.
  virtual core::Result<void> rewind() = 0;
};

struct Request {
  boost::beast::http::request<boost::beast::http::empty_body> head;  ///< target without the server's prefix
  RequestBody* body = nullptr;                                       ///< must outlive the call
  bool repeatable;                                                   ///< by default as is_repeatable() says
  bool sent = false;                 ///< set by HttpClient: a server may have seen it
  bool has_own_login = false;        ///< its Authorization field, or the lack of one, is for every server
  std::optional<Timeouts> timeouts;  ///< instead of the client's

  Request(boost::beast::http::verb method, std::string_view target);
};

/// An answer whose body is still to be read. One owner; the connection is used again once the body was read
/// to its end, and closed otherwise.
class Response {
 public:
  using Parser = boost::beast::http::response_parser<boost::beast::http::buffer_body>;
  using GiveBack = std::function<void(std::unique_ptr<Connection>)>;

  Response(std::unique_ptr<Connection> connection, std::unique_ptr<Parser> parser, GiveBack give_back);
  Response(Response&&) noexcept = default;
  Response& operator=(Response&&) noexcept = default;
  ~Response();

  unsigned status() const { return parser_->get().result_int(); }
  std::string_view header(boost::beast::http::field name) const;
  const boost::beast::http::fields& headers() const { return parser_->get().base(); }
  const Endpoint& endpoint() const { return endpoint_; }
  bool is_done() const { return parser_->is_done(); }
  /// How long the next pieces of the body may take.
  void set_patience(std::chrono::milliseconds limit) { connection_->set_idle_limit(limit); }

  /// 0 = the end. kUnavailable when the connection breaks before it.
  core::Task<core::Result<std::size_t>> read_some(std::span<std::uint8_t> into);
  /// The whole body; kTooLarge beyond `limit` bytes.
  core::Task<core::Result<std::string>> read_all(std::size_t limit);

 private:
  Endpoint endpoint_;
  std::unique_ptr<Connection> connection_;
  std::unique_ptr<Parser> parser_;
  GiveBack give_back_;
};

/// HTTP/1.1 to any number of nodes, with kept connections. One executor, which runs on one thread; must
/// outlive its calls, but not the answers it gave.
class HttpClient {
 public:
  struct Config {
    std::optional<std::filesystem::path> authorities;  ///< PEM; default: the system's
    Timeouts timeouts;
  };
  explicit HttpClient(Config config);

  /// Sends the request to this server, once (or again when a kept connection turned out to be closed), and
  /// reads the answer's head. Errors are kUnavailable, or the body's own.
  core::Task<core::Result<Response>> send(Endpoint endpoint, Request& request, Leash* leash = nullptr);
  const Timeouts& timeouts() const noexcept { return config_.timeouts; }

 private:
  struct Idle {
    std::unordered_map<std::string, std::vector<std::unique_ptr<Connection>>> connections;  ///< by URL
  };
  core::Result<std::shared_ptr<boost::asio::ssl::context>> tls_context();
  std::unique_ptr<Connection> take_idle(const Endpoint& endpoint);
  core::Task<core::Result<std::unique_ptr<Connection>>> connect(Endpoint endpoint, const Timeouts& timeouts,
                                                                Leash* leash);
  core::Task<core::Result<Response>> exchange(std::unique_ptr<Connection> connection, Request& request,
                                              Leash* leash);

  Config config_;
  std::shared_ptr<boost::asio::ssl::context> tls_;  ///< made for the first https server: it reads many files
  std::shared_ptr<Idle> idle_;
};

}  // namespace kadenza::middleware
