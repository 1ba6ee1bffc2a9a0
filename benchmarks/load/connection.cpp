// SPDX-License-Identifier: AGPL-3.0-or-later
#include "connection.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace kadenza::benchmarks::load {
namespace {

constexpr std::size_t kHeadBytesMax = 16 * 1024;

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) throw Failure(fmt::format("not a number: '{}'", text));
  return value;
}

std::string lower(std::string_view text) {
  std::string lowered(text);
  std::ranges::transform(lowered, lowered.begin(), [](unsigned char c) { return std::tolower(c); });
  return lowered;
}

}  // namespace

Server Server::parse(std::string_view url) {
  Server server;
  const bool secure = url.starts_with("https://");
  if (!secure && !url.starts_with("http://")) throw Failure("the URL must begin with http:// or https://");
  const auto authority = url.substr(url.find("//") + 2);
  const auto colon = authority.find(':');
  if (colon == std::string_view::npos) throw Failure("the URL must name a port");
  server.host = authority;
  server.address.sin_family = AF_INET;
  server.address.sin_port = htons(static_cast<std::uint16_t>(number(authority.substr(colon + 1))));
  if (::inet_pton(AF_INET, std::string(authority.substr(0, colon)).c_str(), &server.address.sin_addr) != 1)
    throw Failure("the URL must name an IPv4 address");
  if (secure) {
    server.tls.reset(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
    SSL_CTX_set_min_proto_version(server.tls.get(), TLS1_3_VERSION);
    SSL_CTX_set_mode(server.tls.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  }
  return server;
}

Connection::Connection(const Server& server) : server_(server) {
  open();
}

Connection::~Connection() {
  close();
}

void Connection::open() {
  started_ = Clock::now();
  used_ = false;
  descriptor_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor_ < 0) throw Failure(std::strerror(errno));
  const int on = 1;
  ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const auto* address = reinterpret_cast<const sockaddr*>(&server_.address);
  if (::connect(descriptor_, address, sizeof server_.address) != 0 && errno != EINPROGRESS)
    throw Failure(fmt::format("connect: {}", std::strerror(errno)));
  if (server_.tls) {
    tls_ = SSL_new(server_.tls.get());
    SSL_set_fd(tls_, descriptor_);
    SSL_set_connect_state(tls_);
  }
}

void Connection::close() {
  if (tls_ != nullptr) SSL_free(tls_);
  tls_ = nullptr;
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

void Connection::request(std::string_view head) {
  to_send_ = head;
  head_.clear();
  answer_ = {};
  first_byte_.reset();
  if (used_) started_ = Clock::now();  // on a new connection the clock runs since connect()
  used_ = true;
}

bool Connection::send_rest() {
  while (!to_send_.empty()) {
    std::ptrdiff_t sent = 0;
    if (tls_ != nullptr) {
      sent = SSL_write(tls_, to_send_.data(), static_cast<int>(to_send_.size()));
      const int error = sent > 0 ? SSL_ERROR_NONE : SSL_get_error(tls_, static_cast<int>(sent));
      if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return false;
      if (error != SSL_ERROR_NONE) throw Failure("the TLS connection broke while sending");
    } else {
      sent = ::send(descriptor_, to_send_.data(), to_send_.size(), MSG_NOSIGNAL);
      if (sent < 0 && (errno == EAGAIN || errno == ENOTCONN)) return false;
      if (sent < 0) throw Failure(fmt::format("send: {}", std::strerror(errno)));
    }
    to_send_.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

/// Bytes received; −1: nothing now.
std::ptrdiff_t Connection::receive(std::span<char> into) {
  if (tls_ != nullptr) {
    const int got = SSL_read(tls_, into.data(), static_cast<int>(into.size()));
    if (got > 0) return got;
    const int error = SSL_get_error(tls_, got);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return -1;
    throw Failure("the TLS connection ended within an answer");
  }
  const auto got = ::recv(descriptor_, into.data(), into.size(), 0);
  if (got > 0) return got;
  if (got < 0 && errno == EAGAIN) return -1;
  throw Failure(got == 0 ? "the connection ended within an answer"
                         : fmt::format("recv: {}", std::strerror(errno)));
}

bool Connection::go_on(std::span<char> buffer, std::uint64_t budget) {
  if (!send_rest()) return false;
  while (!answer_.complete() && budget > 0) {
    const auto got = receive(buffer.first(std::min<std::uint64_t>(buffer.size(), budget)));
    if (got < 0) return false;
    if (!first_byte_) first_byte_ = Clock::now();
    budget -= static_cast<std::uint64_t>(got);
    take({buffer.data(), static_cast<std::size_t>(got)});
  }
  return answer_.complete();
}

void Connection::take(std::string_view bytes) {
  answer_.bytes += bytes.size();
  if (!answer_.head_done) {
    head_ += bytes;
    const auto end = head_.find("\r\n\r\n");
    if (end == std::string::npos) {
      if (head_.size() > kHeadBytesMax) throw Failure("the head of the answer does not end");
      return;
    }
    bytes.remove_prefix(bytes.size() - (head_.size() - end - 4));
    head_.resize(end);
    parse_head();
  }
  if (bytes.size() > answer_.body_left) throw Failure("more bytes than the answer announced");
  answer_.body_left -= bytes.size();
}

void Connection::parse_head() {
  if (!head_.starts_with("HTTP/1.1 ")) throw Failure("no HTTP/1.1 answer");
  answer_.status = static_cast<unsigned>(number(std::string_view(head_).substr(9, 3)));
  if (answer_.status != 200 && answer_.status != 206) throw Failure(fmt::format("status {}", answer_.status));
  constexpr std::string_view kLength = "\r\ncontent-length: ";
  const auto head = lower(head_);
  const auto at = head.find(kLength);
  if (at == std::string::npos) throw Failure("the answer announces no length");
  const auto value = std::string_view(head).substr(at + kLength.size());
  answer_.body_left = number(value.substr(0, value.find('\r')));
  answer_.head_done = true;
}

}  // namespace kadenza::benchmarks::load
