// SPDX-License-Identifier: AGPL-3.0-or-later
#include "middleware/proxy/forwarding.hpp"

#include <gtest/gtest.h>

namespace kadenza::middleware {
namespace {

namespace http = boost::beast::http;

AppHead get(std::string_view target) {
  AppHead head;
  head.method(http::verb::get);
  head.target({target.data(), target.size()});
  head.version(11);
  head.set(http::field::host, "x");
  return head;
}

unsigned status_of(const AppHead& head) {
  const auto refusal = refusal_of(head, "me");
  return refusal ? refusal->status : 0;
}

TEST(Forwarding, OnlyWhatIsForTheOtherEndGoesOn) {
  http::fields from, to;
  from.set(http::field::connection, "close, X-Hop");
  from.set("X-Hop", "1");
  from.set("X-End", "2");
  from.set(http::field::keep_alive, "timeout=5");
  from.set(http::field::transfer_encoding, "chunked");
  from.set(http::field::upgrade, "websocket");
  from.set(http::field::te, "trailers");
  from.set(http::field::proxy_authorization, "Basic x");
  from.set(http::field::host, "proxy");
  from.set(http::field::authorization, "Bearer y");
  from.insert(http::field::set_cookie, "a");
  from.insert(http::field::set_cookie, "b");
  copy_end_to_end(from, to);
  EXPECT_EQ(std::distance(to.begin(), to.end()), 4);
  EXPECT_EQ(to["X-End"], "2");
  EXPECT_EQ(to[http::field::authorization], "Bearer y");
  EXPECT_EQ(to.count(http::field::set_cookie), 2U);
}

TEST(Forwarding, APlainRequestIsNotRefused) {
  EXPECT_EQ(status_of(get("/a?b")), 0U);
}

TEST(Forwarding, WhatTwoServersCouldReadDifferentlyIsRefused) {
  AppHead both = get("/");
  both.set(http::field::content_length, "3");
  both.set(http::field::transfer_encoding, "chunked");
  EXPECT_EQ(status_of(both), 400U);
  AppHead gzip = get("/");
  gzip.set(http::field::transfer_encoding, "gzip, chunked");
  EXPECT_EQ(status_of(gzip), 501U);
  AppHead two_hosts = get("/");
  two_hosts.insert(http::field::host, "y");
  EXPECT_EQ(status_of(two_hosts), 400U);
}

TEST(Forwarding, AProxyForAllAddressesItIsNot) {
  EXPECT_EQ(status_of(get("http://elsewhere.example/")), 400U);
  AppHead tunnel = get("elsewhere.example:443");
  tunnel.method(http::verb::connect);
  EXPECT_EQ(status_of(tunnel), 501U);
}

TEST(Forwarding, ItKnowsItsOwnRequests) {
  AppHead head = get("/");
  head.set(http::field::via, "1.1 other, 1.1 me");
  EXPECT_EQ(status_of(head), 508U);
}

TEST(Forwarding, WhatMayHaveBeenDoneIsSaid) {
  const core::Error error{core::Errc::kUnavailable, "x broke off."};
  EXPECT_EQ(refusal_for(error, true).status, 502U);
  EXPECT_EQ(refusal_for(error, false).status, 503U);
  EXPECT_EQ(refusal_for({core::Errc::kTooLarge, ""}, false).status, 413U);
}

TEST(Forwarding, ARefusalToHeadHasNoBody) {
  const Refusal refusal{503, "unavailable", "Wait."};
  EXPECT_TRUE(answer_text(refusal, true).ends_with("\r\n\r\n"));
  EXPECT_TRUE(answer_text(refusal, false).ends_with("\"detail\":\"Wait.\"}"));
}

TEST(Forwarding, ThePathHoldsNoSecrets) {
  EXPECT_EQ(path_of("/a/b?token=x"), "/a/b");
}

}  // namespace
}  // namespace kadenza::middleware
