// SPDX-License-Identifier: AGPL-3.0-or-later
#include <array>
#include <vector>

#include <boost/asio/ip/udp.hpp>
#include <gtest/gtest.h>

#include "distributed/rpc/kademlia_driver.hpp"
#include "loopback.hpp"

namespace kadenza::distributed::rpc {
namespace {

using boost::asio::ip::udp;
using kademlia::Message;
using testing::Driver;
using testing::Loopback;

/// Two honest nodes, and somebody with a socket who does not wish them well.
class HostileTraffic : public ::testing::Test {
 protected:
  using Bytes = std::vector<std::uint8_t>;

  void SetUp() override {
    victim_ = net_.add();
    friend_ = net_.add();
    ASSERT_TRUE(Loopback::eventually([&] { return Loopback::contacts(net_.snapshot(victim_)) == 1; }));
  }
  void TearDown() override {
    const auto found = net_.look_up(victim_, kademlia::Key{});
    ASSERT_TRUE(found);
    EXPECT_EQ(found->contacts.size(), 1u) << "the victim no longer works";
    EXPECT_EQ(found->contacts[0].endpoint, friend_->local());
  }

  void send(const Bytes& bytes) { socket_.send_to(boost::asio::buffer(bytes), to_asio(victim_->local())); }
  Bytes sealed(const identity::KeyRing& ring, std::span<const std::uint8_t> plain) {
    UdpSeal seal(ring, random_);
    std::array<std::uint8_t, UdpSeal::kDatagramMax> datagram;
    const std::size_t size = seal.seal(plain, datagram);
    return {datagram.begin(), datagram.begin() + static_cast<std::ptrdiff_t>(size)};
  }
  Bytes sealed(const identity::KeyRing& ring, const Message& message) {
    std::array<std::uint8_t, kademlia::kMessageBytesMax> plain;
    const std::size_t size = kademlia::Codec().encode(message, plain);
    return sealed(ring, std::span<const std::uint8_t>(plain).first(size));
  }
  Message message(kademlia::Body body) {
    Message message{.transaction = random_.next(), .body = std::move(body)};
    message.sender.id = kademlia::random_key(random_);
    return message;
  }
  WireCounters wire() { return net_.snapshot(victim_).wire; }
  kademlia::Counters messages() { return net_.snapshot(victim_).messages; }
  /// Sends until the victim has counted `count` of them: a full socket buffer may lose some.
  void send_until(const Bytes& bytes, std::uint64_t WireCounters::*counter, std::uint64_t count) {
    const std::uint64_t before = wire().*counter;
    EXPECT_TRUE(Loopback::eventually([&] {
      for (int i = 0; i < 50; ++i) send(bytes);
      return wire().*counter - before >= count;
    }));
  }

  Loopback net_;
  Driver victim_;
  Driver friend_;
  SecureRandom random_;
  udp::socket socket_{net_.io(), udp::endpoint(boost::asio::ip::make_address("127.0.0.1"), 0)};
};

TEST_F(HostileTraffic, FloodOfNoiseIsDroppedAndCounted) {
  Bytes noise(600);
  random_.fill(noise);
  send_until(noise, &WireCounters::dropped_header, 5000);
  noise[0] = 'K', noise[1] = 'D', noise[2] = 'Z', noise[3] = 1;
  send_until(noise, &WireCounters::dropped_unknown_key, 500);
  send_until(Bytes(3), &WireCounters::dropped_size, 50);
  send_until(Bytes(), &WireCounters::dropped_size, 50);
  send_until(Bytes(60'000), &WireCounters::dropped_size, 50);
  send_until(Bytes(UdpSeal::kDatagramMax + 1), &WireCounters::dropped_size, 50);
}

TEST_F(HostileTraffic, WithoutTheKeyNothingIsAnswered) {
  const identity::KeyRing wrong{{identity::ClusterKey::generate()}};
  send_until(sealed(wrong, message(kademlia::Ping{})), &WireCounters::dropped_unknown_key, 50);
  Bytes forged = sealed(net_.ring, message(kademlia::Ping{}));
  forged.back() ^= 1;
  send_until(forged, &WireCounters::dropped_not_authentic, 50);
  EXPECT_EQ(socket_.available(), 0u);
}

TEST_F(HostileTraffic, AMembersNonsenseIsDropped) {
  Bytes nonsense(200, 0xff);
  send_until(sealed(net_.ring, nonsense), &WireCounters::dropped_malformed, 50);
}

TEST_F(HostileTraffic, RepliesThatNobodyAskedForChangeNothing) {
  kademlia::Nodes nodes;
  while (!nodes.contacts.full()) {
    nodes.contacts.push_back({kademlia::random_key(random_), kademlia::Endpoint::v4(0x7f000001, 9), 1});
  }
  EXPECT_TRUE(Loopback::eventually([&] {
    for (int i = 0; i < 50; ++i) {
      send(sealed(net_.ring, message(nodes)));
      send(sealed(net_.ring, message(kademlia::Pong{})));
    }
    return messages().replies_unexpected >= 500;
  }));
  const NetworkSnapshot view = net_.snapshot(victim_);
  EXPECT_EQ(Loopback::contacts(view), 1u);
  for (const auto& bucket : view.buckets) EXPECT_TRUE(bucket.replacements.empty());
}

TEST_F(HostileTraffic, AReplayedRequestIsAnsweredButAdmitsNobody) {
  const Bytes recorded = sealed(net_.ring, message(kademlia::Ping{}));
  EXPECT_TRUE(Loopback::eventually([&] {
    for (int i = 0; i < 100; ++i) send(recorded);
    return messages().requests_received >= 1000;
  }));
  EXPECT_EQ(Loopback::contacts(net_.snapshot(victim_)), 1u) << "who does not answer a probe is no contact";
}

TEST_F(HostileTraffic, OneSourceCannotTakeAllAnswers) {
  const Bytes request = sealed(net_.ring, message(kademlia::FindNode{}));
  EXPECT_TRUE(Loopback::eventually([&] {
    for (int i = 0; i < 500; ++i) send(request);
    return messages().requests_over_rate > 0;
  }));
}

TEST_F(HostileTraffic, ManyInventedNodesDoNotPushTheRealOneOut) {
  EXPECT_TRUE(Loopback::eventually([&] {
    for (int i = 0; i < 100; ++i) {
      Message request = message(kademlia::FindNode{});
      request.sender.endpoint =
          kademlia::Endpoint::v4(0x7f000001, static_cast<std::uint16_t>(1 + random_.below(999)));
      send(sealed(net_.ring, request));
    }
    return messages().requests_received >= 3000;
  }));
  EXPECT_EQ(Loopback::contacts(net_.snapshot(victim_)), 1u);
}

}  // namespace
}  // namespace kadenza::distributed::rpc
