// SPDX-License-Identifier: AGPL-3.0-or-later
#include "middleware/node_memory.hpp"

#include <fstream>

#include <gtest/gtest.h>

#include "support/temporary_folder.hpp"

namespace kadenza::middleware {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;

constexpr core::WallTime kNow{std::chrono::hours(500'000)};

class Memory : public ::testing::Test {
 protected:
  NodeBook book(const std::string& list) {
    std::vector<Server> servers;
    auto endpoints = parse_servers(list);
    for (Endpoint& endpoint : *endpoints) servers.push_back({std::move(endpoint), "t"});
    return {std::move(servers), random_};
  }
  static std::vector<std::string> urls(const NodeBook& book) {
    std::vector<std::string> found;
    for (const KnownNode& node : book.nodes()) found.push_back(node.endpoint.url());
    return found;
  }
  /// As learn_nodes() does.
  static Lesson taught(NodeBook& book, std::size_t origin, const std::string& list) {
    Lesson lesson{origin, *parse_servers(list)};
    for (const Endpoint& endpoint : lesson.nodes) book.learn(endpoint, origin);
    return lesson;
  }
  using Urls = std::vector<std::string>;

  testing::TemporaryFolder folder_;
  std::filesystem::path file_ = folder_.path() / "state" / "nodes.json";
  NodeMemory memory_{file_};
  core::SeededRandom random_{3};
};

TEST_F(Memory, RemembersWhatWasMetThroughAServer) {
  NodeBook met = book("http://a:1");
  const Lesson lesson = taught(met, 0, "http://a:1,http://b:2");
  met.measured(1, milliseconds(7));
  ASSERT_TRUE(memory_.keep(lesson, met, kNow));
  NodeBook later = book("http://a:1");
  EXPECT_TRUE(memory_.recall(later, kNow + minutes(1)));
  EXPECT_EQ(urls(later), (Urls{"http://a:1", "http://b:2"}));
  EXPECT_EQ(later[1].round_trip, milliseconds(7));
}

TEST_F(Memory, IsAskedAgainWhenItIsOldOrFromTheFuture) {
  NodeBook met = book("http://a:1");
  ASSERT_TRUE(memory_.keep(taught(met, 0, "http://a:1,http://b:2"), met, kNow));
  NodeBook old = book("http://a:1");
  EXPECT_FALSE(memory_.recall(old, kNow + NodeMemory::kFresh));
  EXPECT_EQ(old.nodes().size(), 2U) << "but still used";
  NodeBook early = book("http://a:1");
  EXPECT_FALSE(memory_.recall(early, kNow - minutes(1)));
}

TEST_F(Memory, OneClustersNodesAreNotAnothers) {
  NodeBook met = book("http://a:1,http://z:1");
  ASSERT_TRUE(memory_.keep(taught(met, 0, "http://a:1,http://b:2"), met, kNow));
  NodeBook other = book("http://z:1");
  EXPECT_FALSE(memory_.recall(other, kNow));
  EXPECT_EQ(urls(other), (Urls{"http://z:1"}));
}

TEST_F(Memory, AGivenNodeThatTheNetworkNamesKnowsItToo) {
  NodeBook met = book("http://a:1,http://b:2");
  ASSERT_TRUE(memory_.keep(taught(met, 0, "http://a:1,http://b:2,http://c:3"), met, kNow));
  NodeBook later = book("http://b:2");
  memory_.recall(later, kNow);
  EXPECT_EQ(urls(later), (Urls{"http://b:2", "http://a:1", "http://c:3"}));
}

TEST_F(Memory, ANodeThatIsAloneIsNotAskedAgainAtOnce) {
  NodeBook met = book("http://a:1");
  ASSERT_TRUE(memory_.keep({0, {}}, met, kNow));
  EXPECT_TRUE(memory_.recall(met, kNow));
}

TEST_F(Memory, ForgetsTheOldestServers) {
  for (int i = 0; i < 40; ++i) {
    NodeBook met = book("http://a" + std::to_string(i) + ":1");
    ASSERT_TRUE(memory_.keep({0, {}}, met, kNow + minutes(i)));
  }
  NodeBook last = book("http://a39:1");
  EXPECT_TRUE(memory_.recall(last, kNow + minutes(39)));
  NodeBook first = book("http://a0:1");
  EXPECT_FALSE(memory_.recall(first, kNow));
}

TEST_F(Memory, WhatCannotBeReadIsNotThere) {
  std::filesystem::create_directories(file_.parent_path());
  for (const char* text :
       {"", "{", "[]", "{}",
        R"({"version":2,"servers":{"http://a:1":{"learnt_ms":1,"nodes":[{"url":"http://b:2"}]}}})",
        R"({"version":1,"servers":[]})", R"({"version":1,"servers":{"http://a:1":7}})",
        R"({"version":1,"servers":{"http://a:1":{"nodes":[7,{},{"url":7},{"url":"ftp://x"}]}}})"}) {
    std::ofstream(file_, std::ios::trunc) << text;
    NodeBook later = book("http://a:1");
    EXPECT_FALSE(memory_.recall(later, kNow)) << text;
    EXPECT_EQ(later.nodes().size(), 1U) << text;
  }
}

TEST_F(Memory, WithoutAFileNothingIsAskedAndNothingKept) {
  const NodeMemory none{std::filesystem::path()};
  NodeBook met = book("http://a:1");
  EXPECT_TRUE(none.keep({0, {}}, met, kNow));
  EXPECT_TRUE(none.recall(met, kNow));
}

}  // namespace
}  // namespace kadenza::middleware
