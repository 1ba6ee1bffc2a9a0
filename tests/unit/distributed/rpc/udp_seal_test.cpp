// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/rpc/udp_seal.hpp"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

namespace kadenza::distributed::rpc {
namespace {

using identity::ClusterKey;
using identity::KeyRing;

class UdpSealTest : public ::testing::Test {
 protected:
  std::vector<std::uint8_t> sealed(UdpSeal& seal, std::size_t size = 100) {
    std::array<std::uint8_t, UdpSeal::kDatagramMax> datagram;
    const std::vector<std::uint8_t> plain(size, 7);
    const std::size_t length = seal.seal(plain, datagram);
    return {datagram.begin(), datagram.begin() + static_cast<std::ptrdiff_t>(length)};
  }
  std::array<std::uint8_t, UdpSeal::kDatagramMax> plain_;
  SecureRandom random_;
  KeyRing ring_{{ClusterKey::generate()}};
  UdpSeal seal_{ring_, random_};
};

TEST_F(UdpSealTest, OpensWhatItSealed) {
  const auto datagram = sealed(seal_);
  EXPECT_EQ(datagram.size(), 100 + UdpSeal::kOverhead);
  const auto opened = seal_.open(datagram, plain_);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->size(), 100u);
  EXPECT_EQ(opened->front(), 7);
  EXPECT_NE(sealed(seal_), sealed(seal_)) << "a nonce was used twice";
}

TEST_F(UdpSealTest, TheLongestMessageFitsTheDatagram) {
  EXPECT_LE(sealed(seal_, kademlia::kMessageBytesMax).size(), UdpSeal::kDatagramMax);
}

TEST_F(UdpSealTest, EveryChangedByteIsNoticed) {
  const auto datagram = sealed(seal_);
  for (std::size_t i = 0; i < datagram.size(); ++i) {
    auto changed = datagram;
    changed[i] ^= 1;
    EXPECT_FALSE(seal_.open(changed, plain_)) << "byte " << i;
  }
}

TEST_F(UdpSealTest, SaysWhyItRefuses) {
  using Refusal = UdpSeal::Refusal;
  const auto datagram = sealed(seal_);
  EXPECT_EQ(seal_.open({}, plain_).error(), Refusal::kSize);
  EXPECT_EQ(seal_.open(std::vector<std::uint8_t>(1201), plain_).error(), Refusal::kSize);
  EXPECT_EQ(seal_.open(std::vector<std::uint8_t>(100), plain_).error(), Refusal::kHeader);
  UdpSeal other(KeyRing{{ClusterKey::generate()}}, random_);
  EXPECT_EQ(other.open(datagram, plain_).error(), Refusal::kUnknownKey);
  EXPECT_EQ(seal_.open(std::span(datagram).first(datagram.size() - 1), plain_).error(),
            Refusal::kNotAuthentic);
}

TEST_F(UdpSealTest, KeysOverlapWhileTheyAreReplaced) {
  KeyRing both = ring_;
  both.rotate(ClusterKey::generate());
  UdpSeal ahead(both, random_);
  EXPECT_TRUE(ahead.open(sealed(seal_), plain_)) << "the old key still opens";
  EXPECT_FALSE(seal_.open(sealed(ahead), plain_)) << "the new key seals";
  seal_.set_ring(KeyRing{{both.keys[1], both.keys[0]}});
  EXPECT_TRUE(seal_.open(sealed(ahead), plain_));
  ahead.set_ring(KeyRing{{both.keys[0]}});
  EXPECT_FALSE(ahead.open(sealed(seal_), plain_)) << "the overlap is over";
}

}  // namespace
}  // namespace kadenza::distributed::rpc
