// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/rpc/udp_socket.hpp"

#include <cstring>
#include <utility>
#include <vector>

#include <boost/asio/ip/tcp.hpp>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <sys/uio.h>

namespace kadenza::distributed::rpc {
namespace {

using boost::asio::ip::tcp;
using boost::asio::ip::udp;
using kademlia::Endpoint;

constexpr std::size_t kReceiveBytes = UdpSeal::kDatagramMax + 1;  // one more shows that something was cut
constexpr int kSocketBuffer = 4 * 1024 * 1024;
constexpr int kPortsTried = 64;

Endpoint endpoint_of(const sockaddr_storage& address) {
  Endpoint endpoint;
  if (address.ss_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &address, sizeof v4);
    return Endpoint::v4(ntohl(v4.sin_addr.s_addr), ntohs(v4.sin_port));
  }
  sockaddr_in6 v6;
  std::memcpy(&v6, &address, sizeof v6);
  std::memcpy(endpoint.address.data(), &v6.sin6_addr, 16);
  endpoint.port = ntohs(v6.sin6_port);
  return endpoint;
}

/// Binds `socket`; on an IPv6 address also for IPv4.
void bind(udp::socket& socket, const udp::endpoint& listen, boost::system::error_code& error) {
  socket.open(listen.protocol(), error);
  if (!error && listen.address().is_v6()) {
    socket.set_option(boost::asio::ip::v6_only(false), error);
  }
  if (!error) socket.bind(listen, error);
}

bool free_for_tcp(const boost::asio::any_io_executor& executor, const udp::endpoint& local) {
  tcp::acceptor probe(executor);
  boost::system::error_code error;
  const tcp::endpoint endpoint(local.address(), local.port());
  probe.open(endpoint.protocol(), error);
  if (!error) probe.set_option(boost::asio::socket_base::reuse_address(true), error);
  if (!error) probe.bind(endpoint, error);
  return !error;
}

/// Binds `socket` to a port that is free for TCP as well, of the system's choice. What was bound in vain
/// stays so meanwhile, or the system might offer it again.
void bind_any_port(udp::socket& socket, const udp::endpoint& listen, boost::system::error_code& error) {
  std::vector<udp::socket> taken;
  for (int i = 0; i < kPortsTried; ++i) {
    bind(socket, listen, error);
    if (error || free_for_tcp(socket.get_executor(), socket.local_endpoint())) return;
    taken.push_back(std::exchange(socket, udp::socket(socket.get_executor())));
  }
  error = boost::asio::error::address_in_use;
}

}  // namespace

udp::endpoint to_asio(const Endpoint& endpoint) {
  if (endpoint.is_v4()) {
    boost::asio::ip::address_v4::bytes_type bytes;
    std::copy_n(endpoint.address.begin() + 12, 4, bytes.begin());
    return {boost::asio::ip::address_v4(bytes), endpoint.port};
  }
  boost::asio::ip::address_v6::bytes_type bytes;
  std::copy_n(endpoint.address.begin(), 16, bytes.begin());
  return {boost::asio::ip::address_v6(bytes), endpoint.port};
}

Endpoint from_asio(const udp::endpoint& endpoint) {
  if (endpoint.address().is_v4()) return Endpoint::v4(endpoint.address().to_v4().to_uint(), endpoint.port());
  Endpoint result;
  const auto bytes = endpoint.address().to_v6().to_bytes();
  std::copy(bytes.begin(), bytes.end(), result.address.begin());
  result.port = endpoint.port();
  return result;
}

struct UdpSocket::Buffers {
  std::array<mmsghdr, kBatch> in_headers;
  std::array<iovec, kBatch> in_parts;
  std::array<sockaddr_storage, kBatch> in_addresses;
  std::array<std::array<std::uint8_t, kReceiveBytes>, kBatch> in_bytes;
  std::array<Datagram, kBatch> in;
  std::array<Endpoint, kBatch> unreachable;

  std::array<mmsghdr, kBatch> out_headers;
  std::array<iovec, kBatch> out_parts;
  std::array<sockaddr_storage, kBatch> out_addresses;
  std::array<std::array<std::uint8_t, UdpSeal::kDatagramMax>, kBatch> out_bytes;
  std::size_t out_count = 0;
  std::size_t lost = 0;
};

UdpSocket::UdpSocket(udp::socket socket, bool v6)
    : socket_(std::move(socket)),
      v6_(v6),
      buffers_(new Buffers{}, [](Buffers* buffers) { delete buffers; }) {}

core::Result<UdpSocket> UdpSocket::open(boost::asio::any_io_executor executor, const udp::endpoint& listen) {
  udp::socket socket(executor);
  boost::system::error_code error;
  const bool v6 = listen.address().is_v6();
  if (listen.port() == 0) {
    bind_any_port(socket, listen, error);
  } else {
    bind(socket, listen, error);
  }
  if (!error) socket.native_non_blocking(true, error);
  if (error) {
    const auto code =
        error == boost::asio::error::address_in_use ? core::Errc::kConflict : core::Errc::kInvalidArgument;
    return core::fail(code, "Cannot listen on UDP port " + std::to_string(listen.port()) + " of " +
                                listen.address().to_string() + ": " + error.message() + ".");
  }
  // Larger buffers and news of dead ports are welcome but not needed: their failure is no error.
  boost::system::error_code ignored;
  socket.set_option(udp::socket::receive_buffer_size(kSocketBuffer), ignored);
  socket.set_option(udp::socket::send_buffer_size(kSocketBuffer), ignored);
  const int on = 1;
  setsockopt(socket.native_handle(), IPPROTO_IP, IP_RECVERR, &on, sizeof on);
  if (v6) setsockopt(socket.native_handle(), IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on);
  return UdpSocket(std::move(socket), v6);
}

Endpoint UdpSocket::local() const {
  boost::system::error_code error;
  return from_asio(socket_.local_endpoint(error));
}

std::span<const UdpSocket::Datagram> UdpSocket::receive() {
  Buffers& b = *buffers_;
  for (std::size_t i = 0; i < kBatch; ++i) {
    b.in_parts[i] = {b.in_bytes[i].data(), kReceiveBytes};
    b.in_headers[i].msg_hdr = {.msg_name = &b.in_addresses[i],
                               .msg_namelen = sizeof(sockaddr_storage),
                               .msg_iov = &b.in_parts[i],
                               .msg_iovlen = 1,
                               .msg_control = nullptr,
                               .msg_controllen = 0,
                               .msg_flags = 0};
  }
  int count;
  do {  // a pending error of an earlier datagram is reported once, by whatever call comes next
    count = recvmmsg(socket_.native_handle(), b.in_headers.data(), kBatch, MSG_DONTWAIT, nullptr);
  } while (count < 0 &&
           (errno == EINTR || errno == ECONNREFUSED || errno == EHOSTUNREACH || errno == ENETUNREACH));
  if (count < 0) return {};
  for (int i = 0; i < count; ++i) {
    b.in[i] = {endpoint_of(b.in_addresses[i]), std::span(b.in_bytes[i]).first(b.in_headers[i].msg_len),
               (b.in_headers[i].msg_hdr.msg_flags & MSG_TRUNC) != 0};
  }
  return std::span(b.in).first(static_cast<std::size_t>(count));
}

std::span<const Endpoint> UdpSocket::unreachable() {
  Buffers& b = *buffers_;
  std::size_t count = 0;
  while (count < kBatch) {
    sockaddr_storage to{};
    char control[512];
    std::uint8_t byte;
    iovec part{&byte, 1};
    msghdr header{.msg_name = &to,
                  .msg_namelen = sizeof to,
                  .msg_iov = &part,
                  .msg_iovlen = 1,
                  .msg_control = control,
                  .msg_controllen = sizeof control,
                  .msg_flags = 0};
    if (recvmsg(socket_.native_handle(), &header, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) break;
    for (cmsghdr* c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c)) {
      const bool v4 = c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR;
      const bool v6 = c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR;
      if (!v4 && !v6) continue;
      sock_extended_err error;
      std::memcpy(&error, CMSG_DATA(c), sizeof error);
      if (error.ee_errno == ECONNREFUSED && count < kBatch) b.unreachable[count++] = endpoint_of(to);
    }
  }
  return std::span(b.unreachable).first(count);
}

std::span<std::uint8_t, UdpSeal::kDatagramMax> UdpSocket::prepare() {
  Buffers& b = *buffers_;
  if (b.out_count == kBatch) b.lost += flush();
  return b.out_bytes[b.out_count];
}

socklen_t UdpSocket::write_address(const Endpoint& endpoint, sockaddr_storage& out) const {
  if (v6_) {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(endpoint.port);
    std::memcpy(&v6.sin6_addr, endpoint.address.data(), 16);
    std::memcpy(&out, &v6, sizeof v6);
    return sizeof v6;
  }
  if (!endpoint.is_v4()) return 0;
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(endpoint.port);
  std::memcpy(&v4.sin_addr, endpoint.address.data() + 12, 4);
  std::memcpy(&out, &v4, sizeof v4);
  return sizeof v4;
}

void UdpSocket::commit(const Endpoint& to, std::size_t size) {
  Buffers& b = *buffers_;
  const std::size_t i = b.out_count;
  const socklen_t address_size = write_address(to, b.out_addresses[i]);
  if (address_size == 0) {  // an IPv6 node, and we have IPv4 only
    ++b.lost;
    return;
  }
  b.out_parts[i] = {b.out_bytes[i].data(), size};
  b.out_headers[i].msg_hdr = {.msg_name = &b.out_addresses[i],
                              .msg_namelen = address_size,
                              .msg_iov = &b.out_parts[i],
                              .msg_iovlen = 1,
                              .msg_control = nullptr,
                              .msg_controllen = 0,
                              .msg_flags = 0};
  ++b.out_count;
}

std::size_t UdpSocket::flush() {
  Buffers& b = *buffers_;
  std::size_t sent = 0;
  std::size_t lost = std::exchange(b.lost, 0);
  int refusals = 0;
  while (sent < b.out_count) {
    const int count = sendmmsg(socket_.native_handle(), b.out_headers.data() + sent,
                               static_cast<unsigned>(b.out_count - sent), MSG_DONTWAIT);
    if (count > 0) {
      sent += static_cast<std::size_t>(count);
    } else if (errno == EINTR || (errno == ECONNREFUSED && ++refusals < 64)) {
      continue;  // the error of an earlier datagram; this one was not tried
    } else if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) {
      break;
    } else {
      ++sent;  // no route to this one; the others may have one
      ++lost;
    }
  }
  lost += b.out_count - sent;
  b.out_count = 0;
  return lost;
}

}  // namespace kadenza::distributed::rpc
