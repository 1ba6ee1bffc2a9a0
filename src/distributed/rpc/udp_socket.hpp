// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/udp.hpp>
#include <sys/socket.h>

#include "core/error.hpp"
#include "distributed/kademlia/endpoint.hpp"
#include "distributed/rpc/udp_seal.hpp"

namespace kadenza::distributed::rpc {

boost::asio::ip::udp::endpoint to_asio(const kademlia::Endpoint& endpoint);
kademlia::Endpoint from_asio(const boost::asio::ip::udp::endpoint& endpoint);

/// One UDP socket that reads and writes many datagrams per system call (recvmmsg, sendmmsg), and tells of
/// ports where nobody listens (ICMP, through the socket's error queue). A socket on an IPv6 address also
/// speaks IPv4. Owned by KademliaDriver, used on its strand only.
class UdpSocket {
 public:
  static constexpr std::size_t kBatch = 32;

  /// Binds `listen`; port 0 is one that is free for TCP, too, because RPC listens at the same number.
  /// kConflict: the port is in use. kInvalidArgument: no such address here.
  static core::Result<UdpSocket> open(boost::asio::any_io_executor executor,
                                      const boost::asio::ip::udp::endpoint& listen);

  UdpSocket(UdpSocket&&) = default;

  kademlia::Endpoint local() const;
  boost::asio::ip::udp::socket& handle() noexcept { return socket_; }

  struct Datagram {
    kademlia::Endpoint from;
    std::span<const std::uint8_t> bytes;
    bool truncated;  ///< it was longer than any of ours
  };
  /// What has arrived, at most kBatch; valid until the next call.
  std::span<const Datagram> receive();

  /// Endpoints whose machines said that nobody listens there, at most kBatch; valid until the next call.
  std::span<const kademlia::Endpoint> unreachable();

  /// A place to write the next datagram to `to`; commit() queues it, flush() sends all that are queued.
  std::span<std::uint8_t, UdpSeal::kDatagramMax> prepare();
  void commit(const kademlia::Endpoint& to, std::size_t size);
  /// Returns how many the system did not take (its buffer is full, no route): lost, like any datagram.
  std::size_t flush();

 private:
  struct Buffers;
  explicit UdpSocket(boost::asio::ip::udp::socket socket, bool v6);
  socklen_t write_address(const kademlia::Endpoint& endpoint, sockaddr_storage& out) const;

  boost::asio::ip::udp::socket socket_;
  bool v6_;
  std::unique_ptr<Buffers, void (*)(Buffers*)> buffers_;
};

}  // namespace kadenza::distributed::rpc
