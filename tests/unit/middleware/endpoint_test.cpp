// SPDX-License-Identifier: AGPL-3.0-or-later
#include "middleware/endpoint.hpp"

#include <gtest/gtest.h>

namespace kadenza::middleware {
namespace {

TEST(Endpoint, Parts) {
  const auto endpoint = parse_endpoint("https://music.example:8443/kadenza/");
  ASSERT_TRUE(endpoint);
  EXPECT_EQ(*endpoint, (Endpoint{true, "music.example", 8443, "/kadenza"}));
  EXPECT_EQ(endpoint->url(), "https://music.example:8443/kadenza");
}

TEST(Endpoint, Defaults) {
  EXPECT_EQ(parse_endpoint("http://node")->port, 4747);
  EXPECT_EQ(parse_endpoint("https://node")->port, 443);
  EXPECT_EQ(parse_endpoint("http://[::1]:80")->host, "::1");
  EXPECT_EQ(parse_endpoint("http://[::1]:80")->authority(), "[::1]:80");
}

TEST(Endpoint, WhatIsNotAServerIsRefused) {
  for (const char* text : {"", "node", "node:4747", "ftp://node", "http://", "http://u:p@node",
                           "http://node?x=1", "http://node:0", "http://node:99999", "http://no de"}) {
    const auto endpoint = parse_endpoint(text);
    ASSERT_FALSE(endpoint) << text;
    EXPECT_EQ(endpoint.error().code, core::Errc::kInvalidArgument);
  }
}

TEST(Servers, AListKeepsItsOrderAndDropsRepetitions) {
  const auto servers = parse_servers(" http://b , http://a,,http://b/ ");
  ASSERT_TRUE(servers);
  ASSERT_EQ(servers->size(), 2U);
  EXPECT_EQ((*servers)[0].host, "b");
  EXPECT_EQ((*servers)[1].host, "a");
  EXPECT_FALSE(parse_servers(" , "));
  std::string many;
  for (int i = 0; i < 100; ++i) many += "http://n" + std::to_string(i) + ",";
  EXPECT_FALSE(parse_servers(many));
}

}  // namespace
}  // namespace kadenza::middleware
