// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <atomic>
#include <charconv>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

namespace kadenza::testing {

/// A server on loopback that does, connection by connection, just what a test says, right or wrong. The
/// script runs on the server's own thread; the connection closes when it returns.
class ScriptedServer {
 public:
  using Socket = boost::asio::ip::tcp::socket;
  using Script = std::function<void(Socket&)>;

  explicit ScriptedServer(Script script)
      : script_(std::move(script)),
        acceptor_(io_, {boost::asio::ip::address_v4::loopback(), 0}),
        thread_([this] { serve(); }) {}
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;
  ~ScriptedServer() {
    stopping_ = true;
    boost::system::error_code ignored;
    {
      const std::lock_guard lock(mutex_);
      if (current_ != nullptr) current_->shutdown(Socket::shutdown_both, ignored);
    }
    Socket wake(io_);
    wake.connect(acceptor_.local_endpoint(), ignored);
    thread_.join();
  }

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port()); }
  int connections() const { return connections_; }

 private:
  void serve() {
    while (true) {
      Socket socket(io_);
      boost::system::error_code error;
      acceptor_.accept(socket, error);
      if (stopping_ || error) return;
      ++connections_;
      {
        const std::lock_guard lock(mutex_);
        current_ = &socket;
      }
      try {
        script_(socket);
      } catch (const boost::system::system_error&) {
        // The client went away, which is its right.
      }
      const std::lock_guard lock(mutex_);
      current_ = nullptr;
    }
  }

  Script script_;
  boost::asio::io_context io_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> connections_ = 0;
  std::mutex mutex_;  ///< guards current_
  Socket* current_ = nullptr;
  std::thread thread_;
};

struct SeenRequest {
  std::string head;
  std::string body;

  bool has(std::string_view text) const { return head.find(text) != std::string::npos; }
};

/// Throws boost::system::system_error when the client closes before a whole request.
template <class Stream>
SeenRequest read_request(Stream& stream, std::string& rest) {
  const std::size_t end = boost::asio::read_until(stream, boost::asio::dynamic_buffer(rest), "\r\n\r\n");
  SeenRequest request{rest.substr(0, end), {}};
  rest.erase(0, end);
  std::size_t length = 0;
  constexpr std::string_view kLength = "Content-Length: ";
  if (const std::size_t at = request.head.find(kLength); at != std::string::npos) {
    const char* digits = request.head.data() + at + kLength.size();
    std::from_chars(digits, request.head.data() + request.head.size(), length);
  }
  if (rest.size() < length) {
    boost::asio::read(stream, boost::asio::dynamic_buffer(rest),
                      boost::asio::transfer_exactly(length - rest.size()));
  }
  request.body = rest.substr(0, length);
  rest.erase(0, length);
  return request;
}

inline std::string http_answer(std::string_view status, std::string_view body,
                               std::string_view headers = "") {
  return "HTTP/1.1 " + std::string(status) + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(headers) + "\r\n" + std::string(body);
}

template <class Stream>
void send_text(Stream& stream, std::string_view text) {
  boost::asio::write(stream, boost::asio::buffer(text));
}

/// Answers every request of every connection with what `answer` makes of it.
inline ScriptedServer::Script answering(std::function<std::string(const SeenRequest&)> answer) {
  return [answer](ScriptedServer::Socket& socket) {
    std::string rest;
    while (true) send_text(socket, answer(read_request(socket, rest)));
  };
}

/// An address where nobody listens.
inline std::string dead_url() {
  boost::asio::io_context io;
  const boost::asio::ip::tcp::acceptor taken(io, {boost::asio::ip::address_v4::loopback(), 0});
  return "http://127.0.0.1:" + std::to_string(taken.local_endpoint().port());
}

}  // namespace kadenza::testing
