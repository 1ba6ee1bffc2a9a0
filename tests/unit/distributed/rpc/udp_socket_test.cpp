// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/rpc/udp_socket.hpp"

#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <gtest/gtest.h>
#include <sys/resource.h>

namespace kadenza::distributed::rpc {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::ip::udp;

void allow_open_files(rlim_t wanted) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = std::min(limit.rlim_max, wanted);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/// With a good part of the machine's ports taken by TCP, a UDP port alone would often be of no use.
TEST(UdpSocket, AnyPortIsFreeForTcpToo) {
  constexpr std::size_t kTaken = 8000;
  allow_open_files(kTaken + 500);
  asio::io_context io;
  const auto loopback = asio::ip::address_v4::loopback();
  std::vector<tcp::socket> taken;
  boost::system::error_code error;
  while (taken.size() < kTaken && !error) {
    tcp::socket socket(io, tcp::v4());
    socket.bind({loopback, 0}, error);
    taken.push_back(std::move(socket));
  }
  for (int i = 0; i < 100; ++i) {
    const auto socket = UdpSocket::open(io.get_executor(), udp::endpoint(loopback, 0));
    ASSERT_TRUE(socket) << socket.error().detail;
    tcp::acceptor rpc(io, tcp::v4());
    rpc.bind({loopback, socket->local().port}, error);
    EXPECT_FALSE(error) << "port " << socket->local().port << ": " << error.message();
  }
}

TEST(UdpSocket, TheSamePortTwiceIsAConflict) {
  asio::io_context io;
  const udp::endpoint any(asio::ip::address_v4::loopback(), 0);
  const auto first = UdpSocket::open(io.get_executor(), any);
  ASSERT_TRUE(first) << first.error().detail;
  const auto second = UdpSocket::open(io.get_executor(), to_asio(first->local()));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, core::Errc::kConflict);
}

}  // namespace
}  // namespace kadenza::distributed::rpc
