// SPDX-License-Identifier: AGPL-3.0-or-later
// Whole members in the simulator that read and change documents.
#include "distributed/documents/documents.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "distributed/documents/codec.hpp"
#include "sim/library_world.hpp"

namespace kadenza::distributed::documents {
namespace {

using core::Errc;
using core::Result;
using Seen = Documents::Seen;
using namespace std::chrono_literals;

class DocumentsTest : public testing::Test {
 protected:
  explicit DocumentsTest(std::uint32_t hosts = 5) : world(7, calm(hosts)) {}

  static sim::LibraryOptions calm(std::uint32_t hosts) {
    sim::LibraryOptions options;
    options.hosts = hosts;
    return options;
  }
  void start(std::size_t first, std::size_t end) {
    for (auto i = first; i < end; ++i) world.start(host(i));
    world.run_for(10s);
  }
  sim::LibraryHost& host(std::size_t i) { return world.hosts()[i]; }
  Documents& documents(std::size_t i) { return host(i).running()->member().documents(); }

  template <class T>
  T run(std::function<core::Task<T>()> body) {
    std::optional<T> result;
    world.spawn([&]() -> core::Task<void> { result.emplace(co_await body()); });
    while (!result) world.engine().run_for(10ms);
    return std::move(*result);
  }
  Result<Seen> edit(std::size_t through, Documents::Change change) {
    return run<Result<Seen>>([&] { return documents(through).edit(id, change, world.now() + 10s); });
  }
  Result<Seen> add(std::size_t through, const std::string& member) { return edit(through, adds(member)); }
  Result<Seen> get(std::size_t through) {
    return run<Result<Seen>>([&] { return documents(through).get(id, world.now() + 10s); });
  }
  static Documents::Change adds(std::string member) {
    return [member = std::move(member)](Document& document, const NextStamp& next) -> Result<void> {
      document.members.add(member, next());
      document.counters["additions"].add(next().writer, 1);
      return {};
    };
  }
  static std::string members(const Document& document) {
    std::string all;
    for (const auto& [member, dots] : document.members.elements()) all += member;
    return all;
  }
  std::size_t copies() {
    return static_cast<std::size_t>(std::ranges::count_if(
        world.hosts(), [&](const auto& each) { return each.documents.states().contains(id); }));
  }
  bool comes_true(core::Duration time, const std::function<bool()>& condition) {
    for (const auto end = world.now() + time; world.now() < end && !condition();) world.run_for(1s);
    return condition();
  }
  /// `i` was away for so long that removals are forgotten; the others for `others`.
  void was_away(std::size_t i, core::Duration time) {
    const auto now = sim::SimClock(world.engine()).wall_now();
    const auto last = now - std::chrono::duration_cast<std::chrono::milliseconds>(time);
    host(i).documents.set_presence({last - std::chrono::hours(24), last});
  }

  sim::LibraryWorld world;
  const core::DocumentId id = document_id("playlist/summer");
};

TEST_F(DocumentsTest, WhatIsChangedThroughOneNodeIsReadThroughAll) {
  start(0, 5);
  const auto before = get(3);
  ASSERT_TRUE(before);
  EXPECT_EQ(before->copies, 0U);
  EXPECT_EQ(before->document, Document());
  const auto added = add(0, "a");
  ASSERT_TRUE(added) << added.error().detail;
  EXPECT_EQ(added->copies, 2U);
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(members(get(i)->document), "a") << i;
}

TEST_F(DocumentsTest, ChangesAtTheSameTimeBothSucceedAndMerge) {
  start(0, 5);
  std::size_t acknowledged = 0;
  for (std::size_t i = 0; i < 10; ++i) {
    world.spawn([&, i]() -> core::Task<void> {
      const auto done = co_await documents(i % 5).edit(id, adds(std::string(1, static_cast<char>('a' + i))),
                                                       world.now() + 10s);
      acknowledged += done ? 1 : 0;
    });
  }
  world.run_for(5s);
  EXPECT_EQ(acknowledged, 10U);
  ASSERT_TRUE(comes_true(60s, [&] { return members(get(2)->document) == "abcdefghij"; }));
  EXPECT_EQ(get(2)->document.counters.at("additions").value(), 10);
}

TEST_F(DocumentsTest, AWriterThatStartsAgainCountsOn) {
  start(0, 5);
  ASSERT_TRUE(add(0, "a"));
  world.crash(host(0));
  world.start(host(0));
  world.run_for(10s);
  ASSERT_TRUE(add(0, "b"));
  const auto seen = get(1);
  EXPECT_EQ(members(seen->document), "ab");
  EXPECT_EQ(seen->document.counters.at("additions").value(), 2);
}

TEST_F(DocumentsTest, OneWriterIsOneWriter) {
  start(0, 5);
  for (const auto* member : {"a", "b", "c"}) ASSERT_TRUE(add(0, member));
  EXPECT_EQ(get(1)->document.writes.times().size(), 1U);
}

TEST_F(DocumentsTest, TooFewNodesRefuseAndSaySo) {
  start(0, 5);
  ASSERT_TRUE(add(0, "a"));
  for (std::size_t i = 1; i < 5; ++i) world.crash(host(i));
  const auto refused = add(0, "b");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kUnavailable) << refused.error().detail;
  for (std::size_t i = 1; i < 5; ++i) world.start(host(i));
  world.run_for(20s);
  ASSERT_TRUE(add(0, "c"));
  ASSERT_TRUE(comes_true(60s, [&] { return members(get(1)->document).ends_with("c"); }));
}

TEST_F(DocumentsTest, AFailedChangeChangesNothing) {
  start(0, 5);
  ASSERT_TRUE(add(0, "a"));
  const auto refused = edit(0, [](Document& document, const NextStamp& next) -> Result<void> {
    document.members.add("b", next());
    return core::fail(Errc::kInvalidArgument, "no");
  });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kInvalidArgument);
  EXPECT_EQ(members(get(1)->document), "a");
}

TEST_F(DocumentsTest, WhatWouldBeTooLargeIsRefused) {
  start(0, 5);
  const auto refused = edit(0, [](Document& document, const NextStamp& next) -> Result<void> {
    for (int i = 0; i < 70; ++i) document.fields.put(std::to_string(i), std::string(16'000, 'x'), next());
    return {};
  });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kTooLarge) << refused.error().detail;
}

TEST_F(DocumentsTest, ARemovedDocumentStaysRemoved) {
  start(0, 5);
  ASSERT_TRUE(add(0, "a"));
  ASSERT_TRUE(edit(1, [](Document& document, const NextStamp& next) -> Result<void> {
    document.remove(next());
    return {};
  }));
  EXPECT_TRUE(get(2)->document.removed);
  const auto refused = add(3, "b");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kNotFound);
}

TEST_F(DocumentsTest, HoldersThatComeGetTheirCopyAndOthersLetGoOfTheirs) {
  start(0, 3);
  ASSERT_TRUE(add(0, "a"));
  ASSERT_TRUE(comes_true(60s, [&] { return copies() == 3; }));
  start(3, 5);
  world.run_for(5min);
  EXPECT_EQ(copies(), 3U);
  EXPECT_EQ(members(get(4)->document), "a");
}

TEST_F(DocumentsTest, ALostCopyIsMadeAgain) {
  start(0, 5);
  ASSERT_TRUE(add(0, "a"));
  ASSERT_TRUE(comes_true(60s, [&] { return copies() == 3; }));
  for (std::size_t i = 0; i < 5; ++i) {
    if (!host(i).documents.states().contains(id)) continue;
    world.crash(host(i));
    host(i).documents.lose_all();
    world.start(host(i));
    break;
  }
  EXPECT_EQ(copies(), 2U);
  EXPECT_TRUE(comes_true(2min, [&] { return copies() == 3; }));
}

/// The disk goes back in time under a running node, so that no comparison notices: only who reads can.
TEST_F(DocumentsTest, WhoeverReadsACopyThatIsBehindBringsItUpToDate) {
  start(0, 3);
  ASSERT_TRUE(add(0, "a"));
  ASSERT_TRUE(comes_true(60s, [&] { return copies() == 3; }));
  const auto old = host(1).documents.states().at(id);
  ASSERT_TRUE(add(0, "b"));
  ASSERT_TRUE(comes_true(60s, [&] { return host(1).documents.states().at(id) != old; }));
  (void)run<Result<void>>([&] {
    return host(1).documents.update(id,
                                    [&](const auto&) -> Result<std::optional<std::string>> { return old; });
  });
  const auto is_up_to_date = [&] {
    EXPECT_EQ(members(get(0)->document), "ab");
    return host(1).documents.states().at(id) != old;
  };
  EXPECT_TRUE(comes_true(20s, is_up_to_date));
}

TEST_F(DocumentsTest, ANodeThatWasAwayTooLongTakesTheOthersWord) {
  start(0, 3);
  ASSERT_TRUE(add(0, "a"));
  ASSERT_TRUE(comes_true(60s, [&] { return copies() == 3; }));
  world.crash(host(2));
  // Meanwhile it was removed, and the removal forgotten.
  for (std::size_t i = 0; i < 2; ++i) {
    host(i).documents.lose_all();
    was_away(i, 0h);
    host(i).documents.set_presence({core::WallTime{}, host(i).documents.last_present()});
    world.crash(host(i));
    world.start(host(i));
  }
  was_away(2, kRemovalsKept + 24h);
  world.start(host(2));
  world.run_for(2min);
  EXPECT_EQ(copies(), 0U);
}

TEST_F(DocumentsTest, WhenAllWereAwayNothingIsDiscarded) {
  start(0, 3);
  ASSERT_TRUE(add(0, "a"));
  ASSERT_TRUE(comes_true(60s, [&] { return copies() == 3; }));
  for (std::size_t i = 0; i < 3; ++i) world.crash(host(i));
  for (std::size_t i = 0; i < 3; ++i) was_away(i, kRemovalsKept + 24h);
  // A node whose disk is new is no witness.
  start(0, 4);
  ASSERT_TRUE(comes_true(60s, [&] {
    const auto seen = get(0);
    return seen && members(seen->document) == "a";
  }));
}

}  // namespace
}  // namespace kadenza::distributed::documents
