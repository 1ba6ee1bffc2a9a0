// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/kademlia/endpoint.hpp"

#include <gtest/gtest.h>

namespace kadenza::distributed::kademlia {
namespace {

TEST(Endpoint, ReadsAndWritesBothFamilies) {
  for (const char* text : {"127.0.0.1:4747", "[::1]:80", "[2001:db8::5]:65535", "192.0.2.200:1"}) {
    const auto endpoint = Endpoint::parse(text);
    ASSERT_TRUE(endpoint) << text;
    EXPECT_EQ(endpoint->text(), text);
  }
  EXPECT_EQ(Endpoint::parse("127.0.0.1:4747"), Endpoint::v4(0x7f000001, 4747));
  EXPECT_TRUE(Endpoint::parse("10.0.0.1:1")->is_v4());
  EXPECT_FALSE(Endpoint::parse("[::1]:1")->is_v4());
}

TEST(Endpoint, RefusesWhatIsNone) {
  for (const char* text :
       {"", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:+1", "::1:80",
        "[::1:80", "example.org:80", "1.2.3:4", "127.0.0.1:80 "}) {
    EXPECT_FALSE(Endpoint::parse(text)) << text;
  }
}

TEST(Endpoint, KnowsWhatCannotBeReached) {
  EXPECT_TRUE(Endpoint::parse("127.0.0.1:4747")->usable());
  EXPECT_TRUE(Endpoint::parse("[2001:db8::1]:4747")->usable());
  EXPECT_FALSE(Endpoint{}.usable());
  EXPECT_TRUE(Endpoint{}.unspecified());
  for (const char* text : {"0.0.0.0:1", "224.0.0.1:1", "255.255.255.255:1", "[::]:1", "[ff02::1]:1"}) {
    EXPECT_FALSE(Endpoint::parse(text)->usable()) << text;
  }
}

TEST(Endpoint, HashDependsOnEveryPartAndTheSalt) {
  const Endpoint a = Endpoint::v4(1, 1);
  EXPECT_EQ(hash_endpoint(a, 1), hash_endpoint(Endpoint::v4(1, 1), 1));
  EXPECT_NE(hash_endpoint(a, 1), hash_endpoint(a, 2));
  EXPECT_NE(hash_endpoint(a, 1), hash_endpoint(Endpoint::v4(1, 2), 1));
  EXPECT_NE(hash_endpoint(a, 1), hash_endpoint(Endpoint::v4(2, 1), 1));
}

}  // namespace
}  // namespace kadenza::distributed::kademlia
