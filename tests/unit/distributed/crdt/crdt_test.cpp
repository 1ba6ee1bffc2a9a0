// SPDX-License-Identifier: AGPL-3.0-or-later
// What each part means, case by case; the laws of merging are in merge_laws_test.cpp.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/random.hpp"
#include "crdt.pb.h"
#include "distributed/crdt/codec.hpp"
#include "distributed/crdt/position.hpp"

namespace kadenza::distributed::crdt {
namespace {

using namespace std::chrono_literals;

const core::WallTime kNow{std::chrono::days(20000)};

Stamp at(std::uint64_t time, Writer writer = 1) {
  return {hybrid_time(kNow) + time, writer};
}

TEST(HybridClock, FollowsTheWallClockAndNeverRepeats) {
  HybridClock clock(7);
  const Stamp first = clock.tick(kNow);
  EXPECT_EQ(first.wall(), kNow);
  EXPECT_EQ(first.writer, 7U);
  Stamp last = first;
  for (int i = 0; i < 100'000; ++i) {
    const Stamp next = clock.tick(i % 2 == 0 ? kNow : kNow - 1h);  // a wall clock that is set back
    ASSERT_GT(next, last);
    last = next;
  }
  EXPECT_LT(last.wall(), kNow + 3ms) << "an overflowing counter must run on into the next millisecond only";
  EXPECT_EQ(clock.tick(kNow + 1min).wall(), kNow + 1min);
}

TEST(HybridClock, FollowsWhatItHasSeen) {
  HybridClock slow(1);
  const Stamp seen{hybrid_time(kNow + 30s) + 5, 2};
  ASSERT_TRUE(slow.observe(seen, kNow));
  EXPECT_GT(slow.tick(kNow), seen);
}

TEST(HybridClock, RefusesTheFarFuture) {
  HybridClock clock(1);
  EXPECT_TRUE(clock.observe({hybrid_time(kNow + 60s), 2}, kNow));
  const auto refused = clock.observe({hybrid_time(kNow + 60s + 1ms), 2}, kNow);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, core::Errc::kInvalidArgument);
  EXPECT_LE(clock.tick(kNow).wall(), kNow + 60s);
}

TEST(LwwMap, ARemovalIsAWriteAndItsTombstoneCanGo) {
  LwwMap map;
  map.put("a", "1", at(1));
  EXPECT_FALSE(map.put("a", "0", at(0)));
  EXPECT_TRUE(map.remove("a", at(2)));
  EXPECT_FALSE(map.put("a", "late", at(1, 9)));
  EXPECT_EQ(map.find("a"), nullptr);
  map.forget_removals(kNow);
  EXPECT_EQ(map.entries().size(), 1U);
  map.forget_removals(kNow + 1s);
  EXPECT_TRUE(map.entries().empty());
}

TEST(FinalMap, WhatWasRemovedNeverComesBack) {
  FinalMap here, there;
  here.put("node", "old", at(1));
  there.merge(here);
  here.remove("node", at(2));
  there.put("node", "later than the removal", at(3));
  there.merge(here);
  here.merge(there);
  EXPECT_EQ(here, there);
  EXPECT_EQ(here.find("node"), nullptr);
  EXPECT_FALSE(here.put("node", "again", at(100)));
  EXPECT_TRUE(here.was_removed("node"));
}

TEST(FinalMap, ManyRemovalsCanBeBounded) {
  FinalMap map;
  for (std::uint64_t i = 0; i < 10; ++i) map.remove(std::to_string(i), at(i));
  map.forget_removals_beyond(3);
  EXPECT_EQ(map.removals().size(), 3U);
  EXPECT_TRUE(map.was_removed("9"));
  EXPECT_FALSE(map.was_removed("6"));
}

TEST(AddWinsSet, AnAdditionElsewhereSurvivesARemoval) {
  AddWinsSet here, there;
  here.add("song", at(1, 1));
  there.merge(here);
  here.remove("song");
  there.add("song", at(2, 2));
  here.merge(there);
  EXPECT_TRUE(here.contains("song"));
}

TEST(AddWinsSet, ARemovalOfWhatWasSeenHolds) {
  AddWinsSet here, there;
  here.add("song", at(1, 1));
  there.merge(here);
  EXPECT_TRUE(there.remove("song"));
  EXPECT_FALSE(there.remove("song"));
  here.merge(there);
  EXPECT_FALSE(here.contains("song"));
  there.merge(here);
  EXPECT_FALSE(there.contains("song"));
}

TEST(AddWinsSet, WritersWithNothingLeftAreForgotten) {
  AddWinsSet set;
  set.add("stays", at(1, 1));
  set.add("goes", at(2, 2));
  set.remove("goes");
  set.forget_removals(kNow + 1h);
  EXPECT_EQ(set.context().times().size(), 1U);
  EXPECT_TRUE(set.context().covers(at(1, 1)));
}

TEST(Counter, StopsBeforeItOverflows) {
  Counter counter;
  counter.add(1, UINT64_MAX);
  counter.add(1, 5);
  counter.subtract(2, 7);
  EXPECT_EQ(counter.value(), static_cast<std::int64_t>(Counter::kSumMax) - 7);
}

std::string text(const OrderedList& list) {
  std::string all;
  for (const auto& place : list.in_order()) all += *place.value;
  return all;
}

TEST(OrderedList, InsertMoveRemove) {
  OrderedList list;
  list.insert(0, "b", at(1));
  list.insert(0, "a", at(2));
  list.insert(99, "d", at(3));
  list.insert(2, "c", at(4));
  EXPECT_EQ(text(list), "abcd");
  EXPECT_TRUE(list.move(at(2), 3, at(5)));
  EXPECT_EQ(text(list), "bcda");
  EXPECT_TRUE(list.move(at(2), 1, at(6)));
  EXPECT_EQ(text(list), "bacd");
  EXPECT_TRUE(list.remove(at(4)));
  EXPECT_FALSE(list.remove(at(4)));
  EXPECT_FALSE(list.move(at(4), 0, at(7)));
  EXPECT_EQ(text(list), "bad");
}

TEST(OrderedList, ARemovalWinsOverAMove) {
  OrderedList here, there;
  here.insert(0, "a", at(1, 1));
  here.insert(1, "b", at(2, 1));
  there.merge(here);
  here.remove(at(1, 1));
  there.move(at(1, 1), 1, at(3, 2));
  here.merge(there);
  there.merge(here);
  EXPECT_EQ(text(here), "b");
  EXPECT_EQ(here, there);
}

TEST(OrderedList, BetweenTwoThatWereInsertedAtTheSamePlace) {
  OrderedList here, there;
  here.insert(0, "a", at(1, 1));
  there.insert(0, "c", at(1, 2));
  here.merge(there);
  here.insert(1, "b", at(2, 1));
  EXPECT_EQ(text(here), "abc");
  there.merge(here);
  EXPECT_EQ(text(there), "abc");
}

TEST(OrderedList, AlwaysAtTheSamePlaceNeedsNoEndlessPositions) {
  OrderedList list;
  std::string expected;
  for (std::uint64_t i = 0; i < 1500; ++i) {
    const char letter = static_cast<char>('a' + i % 26);
    list.insert(std::min<std::size_t>(1, list.size()), std::string(1, letter), at(i + 1));
    expected.insert(std::min<std::size_t>(1, expected.size()), 1, letter);
  }
  EXPECT_EQ(text(list), expected);
  for (const auto& [id, item] : list.items()) EXPECT_LE(item.position.size(), kPositionBytesMax);
}

TEST(Position, AppendingStaysShort) {
  std::string last;
  for (int i = 0; i < 50'000; ++i) {
    auto next = position_between(last, {});
    ASSERT_TRUE(next);
    ASSERT_GT(*next, last);
    last = std::move(*next);
  }
  EXPECT_LE(last.size(), 5U);
}

TEST(Position, IsStrictlyBetween) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    core::SeededRandom random(seed);
    std::vector<std::string> line;
    for (int i = 0; i < 100; ++i) {
      const auto index = random.below(2) == 0 ? random.below(line.size() + 1) : line.size() / 2;
      const std::string before = index == 0 ? "" : line[index - 1];
      const std::string after = index == line.size() ? "" : line[index];
      const auto position = position_between(before, after);
      if (!position) continue;
      ASSERT_TRUE(is_position(*position)) << "seed " << seed;
      ASSERT_TRUE(before.empty() || before < *position) << "seed " << seed;
      ASSERT_TRUE(after.empty() || *position < after) << "seed " << seed;
      line.insert(line.begin() + static_cast<std::ptrdiff_t>(index), *position);
    }
  }
}

TEST(Codec, OneFormOnly) {
  kadenza::crdt::v1::LwwMap message;
  message.set_version(1);
  message.add_entries()->set_key("b");
  message.add_entries()->set_key("a");
  EXPECT_FALSE(decode<LwwMap>(message.SerializeAsString())) << "unordered keys were accepted";
  message.mutable_entries(1)->set_key("b");
  EXPECT_FALSE(decode<LwwMap>(message.SerializeAsString())) << "a repeated key was accepted";
  message.mutable_entries(1)->set_key("c");
  EXPECT_TRUE(decode<LwwMap>(message.SerializeAsString()));
  message.set_version(2);
  EXPECT_FALSE(decode<LwwMap>(message.SerializeAsString())) << "an unknown version was accepted";
}

TEST(Codec, Limits) {
  kadenza::crdt::v1::LwwMap message;
  message.set_version(1);
  auto& entry = *message.add_entries();
  entry.set_key(std::string(kKeyBytesMax, 'k'));
  entry.set_value(std::string(kValueBytesMax, 'v'));
  EXPECT_TRUE(decode<LwwMap>(message.SerializeAsString()));
  entry.set_key(std::string(kKeyBytesMax + 1, 'k'));
  EXPECT_FALSE(decode<LwwMap>(message.SerializeAsString()));
  entry.set_key("k");
  entry.set_value(std::string(kValueBytesMax + 1, 'v'));
  EXPECT_FALSE(decode<LwwMap>(message.SerializeAsString()));
  EXPECT_FALSE(decode<LwwMap>(std::string(kStateBytesMax + 1, '\0')));
}

}  // namespace
}  // namespace kadenza::distributed::crdt
