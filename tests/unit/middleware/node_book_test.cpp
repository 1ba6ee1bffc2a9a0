// SPDX-License-Identifier: AGPL-3.0-or-later
#include "middleware/node_book.hpp"

#include <gtest/gtest.h>

namespace kadenza::middleware {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr core::Instant kStart{seconds(1000)};

class Book : public ::testing::Test {
 protected:
  static std::vector<Server> given(std::initializer_list<const char*> urls) {
    std::vector<Server> servers;
    for (const char* url : urls) servers.push_back({*parse_endpoint(url), std::string("of ") + url});
    return servers;
  }
  static Endpoint at(const char* url) { return *parse_endpoint(url); }
  using Order = std::vector<std::size_t>;

  core::SeededRandom random_{7};
  NodeBook book_{given({"http://a:1", "http://b:1", "http://c:1"}), random_};
};

TEST_F(Book, NodesAreTriedAsGivenWhileNothingIsKnown) {
  EXPECT_EQ(book_.order(kStart), (Order{0, 1, 2}));
}

TEST_F(Book, TheQuickestGoesFirstAndTheUnmeasuredAfter) {
  book_.measured(1, milliseconds(30));
  book_.measured(2, milliseconds(20));
  EXPECT_EQ(book_.order(kStart), (Order{2, 1, 0}));
}

TEST_F(Book, TheOneThatAnsweredStaysUnlessAnotherIsTwiceAsQuick) {
  book_.measured(0, milliseconds(30));
  book_.measured(1, milliseconds(20));
  book_.answered(0);
  EXPECT_EQ(book_.order(kStart).front(), 0U);
  for (int i = 0; i < 30; ++i) book_.measured(1, milliseconds(10));
  EXPECT_EQ(book_.order(kStart).front(), 1U);
}

TEST_F(Book, OneSlowProbeDoesNotMakeANodeSlow) {
  book_.measured(0, milliseconds(10));
  book_.measured(0, milliseconds(90));
  EXPECT_EQ(book_[0].round_trip, milliseconds(30));
}

TEST_F(Book, WhoFailedIsAskedLastUntilItsRestIsOver) {
  book_.answered(0);
  book_.failed(0, kStart);
  EXPECT_TRUE(book_.rests(0, kStart));
  EXPECT_EQ(book_.order(kStart), (Order{1, 2, 0}));
  EXPECT_EQ(book_.order(kStart + NodeBook::kFirstRest), (Order{0, 1, 2}));
}

TEST_F(Book, OfThoseThatFailedTheOneThatMayBeBackIsAskedFirst) {
  for (int i = 0; i < 4; ++i) book_.failed(0, kStart);
  book_.failed(1, kStart);
  book_.failed(2, kStart);
  EXPECT_EQ(book_.order(kStart).back(), 0U);
}

TEST_F(Book, RestsGrowUpToAMostAndEndWithAnAnswer) {
  for (int i = 0; i < 40; ++i) book_.failed(0, kStart);
  EXPECT_TRUE(book_.rests(0, kStart + NodeBook::kLongestRest / 2 - seconds(1)));
  EXPECT_FALSE(book_.rests(0, kStart + NodeBook::kLongestRest));
  book_.answered(0);
  EXPECT_FALSE(book_.rests(0, kStart));
  book_.failed(0, kStart);
  EXPECT_FALSE(book_.rests(0, kStart + NodeBook::kFirstRest));
}

TEST_F(Book, WhatItLearnsBelongsToTheNodeThatSaidIt) {
  EXPECT_TRUE(book_.learn(at("http://d:1"), 1));
  EXPECT_TRUE(book_.learn(at("http://e:1"), 3));
  EXPECT_FALSE(book_.learn(at("http://d:1"), 0)) << "it is known";
  EXPECT_EQ(book_[4].origin, 1U) << "through a node that b named";
  EXPECT_EQ(book_.token_for(4), "of http://b:1");
  EXPECT_FALSE(book_.has_own_token(4));
  book_.set_token(4, "own");
  EXPECT_EQ(book_.token_for(4), "own");
}

TEST_F(Book, IsNotLedFromTlsToPlainNorFromElsewhereToThisMachine) {
  NodeBook book(given({"https://a:1", "http://b:1", "http://127.0.0.1:1"}), random_);
  EXPECT_FALSE(book.learn(at("http://d:1"), 0));
  EXPECT_TRUE(book.learn(at("https://d:1"), 0));
  EXPECT_FALSE(book.learn(at("http://127.0.0.1:80"), 1));
  EXPECT_FALSE(book.learn(at("http://localhost:80"), 1));
  EXPECT_FALSE(book.learn(at("http://[::1]:80"), 1));
  EXPECT_TRUE(book.learn(at("http://127.0.0.1:80"), 2));
}

TEST_F(Book, HoldsABoundedNumberOfNodes) {
  for (std::uint16_t port = 2; port < 1000; ++port) {
    Endpoint node = at("http://d:1");
    node.port = port;
    book_.learn(node, 0);
  }
  EXPECT_EQ(book_.nodes().size(), NodeBook::kNodesMax);
}

TEST_F(Book, AGivenNodeWithoutALogInIsShownThatOfItsNetwork) {
  NodeBook book({{at("http://a:1"), "of a"}, {at("http://b:1"), ""}, {at("http://c:1"), "of c"}}, random_);
  EXPECT_FALSE(book.learn(at("http://b:1"), 0)) << "it is known";
  EXPECT_FALSE(book.learn(at("http://c:1"), 0));
  EXPECT_EQ(book.token_for(1), "of a");
  EXPECT_EQ(book.token_for(2), "of c") << "its own";
}

}  // namespace
}  // namespace kadenza::middleware
