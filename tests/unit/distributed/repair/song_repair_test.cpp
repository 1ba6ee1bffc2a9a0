// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/repair/song_repair.hpp"

#include <gtest/gtest.h>

#include "tests/unit/distributed/repair/repair_world.hpp"

namespace kadenza::distributed::repair {
namespace {

std::vector<core::Song> upload_some(RepairWorld& world, int count) {
  std::vector<core::Song> songs;
  for (int i = 0; i < count; ++i) {
    songs.push_back(world.put(static_cast<std::size_t>(i) % world.nodes.size(), i));
  }
  EXPECT_TRUE(world.comes_true(30s, [&] { return world.all_have(songs, 3); }));
  return songs;
}

std::size_t held_by(const RepairWorld& world, std::size_t node, const std::vector<core::Song>& songs) {
  return static_cast<std::size_t>(std::ranges::count_if(
      songs, [&](const core::Song& song) { return world.holding(song.id).contains(node); }));
}

TEST(SongRepair, ALostNodesCopiesAreMadeAgainAfterTheGracePeriod) {
  RepairWorld world(6);
  const auto songs = upload_some(world, 40);
  const auto lost = held_by(world, 2, songs);
  ASSERT_GT(lost, 5U);

  world.crash(2);
  world.engine.run_for(RepairWorld::kGrace - 5s);
  EXPECT_EQ(world.sum().songs_copied, 0U);  // it might come back
  EXPECT_TRUE(world.comes_true(60s, [&] { return world.all_have(songs, 3); }));
  EXPECT_EQ(world.sum().songs_copied, lost);  // and none is copied twice
  EXPECT_TRUE(world.comes_true(120s, [&] { return world.sum().under_replicated == 0; }));
  EXPECT_EQ(world.sum().bytes_to_move, 0U);
}

TEST(SongRepair, StopsWhileItCopiesSeveralSongs) {
  RepairWorld world(6, 1, {.bytes_per_second = 50'000});
  upload_some(world, 40);
  world.crash(2);
  std::size_t copying = world.nodes.size();
  ASSERT_TRUE(world.comes_true(120s, [&] {
    for (std::size_t i = 0; i < world.nodes.size(); ++i) {
      if (world.nodes[i].running && world.repair(i).state().bytes_to_move > 300'000) copying = i;
    }
    return copying < world.nodes.size();
  }));
  world.crash(copying);
}

TEST(SongRepair, WhatIsMissingIsShownMeanwhile) {
  RepairWorld world(6);
  const auto songs = upload_some(world, 30);
  const auto lost = held_by(world, 0, songs);
  ASSERT_GT(lost, 0U);
  ASSERT_TRUE(world.comes_true(90s, [&] { return world.sum().under_replicated == 0; }));
  world.crash(0);
  EXPECT_TRUE(world.comes_true(RepairWorld::kGrace, [&] { return world.sum().under_replicated == lost; }))
      << world.sum().under_replicated << " of " << lost;
}

TEST(SongRepair, TheLastLiveCopyIsCopiedAtOnce) {
  RepairWorld world(6);
  const auto song = world.put(0, 1);
  ASSERT_TRUE(world.comes_true(10s, [&] { return world.all_have({song}, 3); }));
  const auto holders = world.order(song.id);
  world.crash(holders[0]);
  world.crash(holders[2]);
  EXPECT_TRUE(world.comes_true(20s, [&] { return world.live_holders(song.id).size() >= 2; }));
  EXPECT_TRUE(world.live_holders(song.id).contains(holders[3]));
}

TEST(SongRepair, ANodeThatComesBackEmptyIsFilledAgain) {
  RepairWorld world(5);
  const auto songs = upload_some(world, 40);
  world.crash(1);
  world.nodes[1].disk.replace();
  world.start(1);
  EXPECT_TRUE(world.comes_true(60s, [&] { return world.all_have(songs, 3); }));
}

TEST(SongRepair, ANodeThatComesBackGetsWhatWasUploadedMeanwhile) {
  RepairWorld world(4);
  auto songs = upload_some(world, 10);
  world.crash(3);
  for (int i = 100; i < 130; ++i) songs.push_back(world.put(0, i));
  world.start(3);
  const auto in_place = [&] {
    return std::ranges::all_of(songs, [&](const core::Song& song) {
      const auto order = world.order(song.id);
      const auto live = world.live_holders(song.id);
      return live.contains(order[0]) && live.contains(order[1]) && live.contains(order[2]);
    });
  };
  EXPECT_TRUE(world.comes_true(90s, in_place));
}

TEST(SongRepair, AfterAPowerCutOfAllNodesEverythingIsThere) {
  RepairWorld world(5);
  auto songs = upload_some(world, 20);
  for (int i = 100; i < 120; ++i) songs.push_back(world.put(0, i));  // acknowledged by two of three
  for (std::size_t i = 0; i < 5; ++i) world.crash(i);
  for (std::size_t i = 0; i < 5; ++i) world.start(i);
  EXPECT_TRUE(world.comes_true(90s, [&] { return world.all_have(songs, 3); }));
}

TEST(SongRepair, OfTwoRecordsTheWinnerTakesTheOthersPlace) {
  RepairWorld world(3);
  world.crash(1);
  world.crash(2);
  world.enrolled = 1;  // as if each side were a cluster of its own
  const auto first = world.put(0, 1, 1);
  world.engine.run_for(1s);
  world.crash(0);
  world.start(1);
  const auto second = world.put(1, 1, 2);
  ASSERT_EQ(first.id, second.id);
  ASSERT_NE(first.audio, second.audio);
  world.start(0);
  world.start(2);
  EXPECT_TRUE(world.comes_true(90s, [&] {
    return std::ranges::all_of(world.nodes, [&](const auto& node) {
      const auto* record = node.disk.record(first.id);
      return record != nullptr && record->song.audio == first.audio;
    });
  }));
  EXPECT_TRUE(world.nodes[1].disk.gave_way(first.id, second.audio));
}

TEST(SongRepair, RotIsFoundByScrubbingAndHealed) {
  SongRepair::Options options;
  options.scrub_every = 20s;
  RepairWorld world(4, 1, options);
  const auto song = world.put(0, 1, 0, 300'000);
  ASSERT_TRUE(world.comes_true(10s, [&] { return world.all_have({song}, 3); }));
  const auto holder = world.order(song.id)[1];
  const auto whole = *world.nodes[holder].disk.audio(song.id);
  world.nodes[holder].disk.rot(song.id, 200'000);
  EXPECT_TRUE(world.comes_true(60s, [&] { return *world.nodes[holder].disk.audio(song.id) == whole; }));
  EXPECT_TRUE(world.comes_true(5s, [&] { return world.repair(holder).state().healed == 1; }));
  EXPECT_EQ(world.repair(holder).state().rotten, 1U);
  EXPECT_GE(world.repair(holder).state().scrub_passes, 1U);
}

TEST(SongRepair, RotIsFoundByReadingAndHealed) {
  RepairWorld world(4);
  const auto song = world.put(0, 1);
  ASSERT_TRUE(world.comes_true(10s, [&] { return world.all_have({song}, 3); }));
  world.engine.run_for(60s);  // the first scrubbing is over, the next one far
  const auto holder = world.order(song.id)[0];
  const auto whole = *world.nodes[holder].disk.audio(song.id);
  world.nodes[holder].disk.rot(song.id, 50'000);
  const auto read = world.wait(world.nodes[holder].process().store.read(song.id, {0, song.size}));
  ASSERT_FALSE(read);
  EXPECT_TRUE(world.comes_true(10s, [&] { return *world.nodes[holder].disk.audio(song.id) == whole; }));
  EXPECT_TRUE(world.comes_true(5s, [&] { return world.repair(holder).state().healed == 1; }));
}

TEST(SongRepair, RotThatNobodyElseCanHealIsTriedAgainUntilSomebodyCan) {
  RepairWorld world(3);
  const auto song = world.put(0, 1);
  ASSERT_TRUE(world.comes_true(10s, [&] { return world.all_have({song}, 3); }));
  world.engine.run_for(60s);
  const auto whole = *world.nodes[0].disk.audio(song.id);
  world.crash(1);
  world.crash(2);
  world.nodes[0].disk.rot(song.id, 10);
  (void)world.wait(world.nodes[0].process().store.read(song.id, {0, 10}));
  world.engine.run_for(20s);
  EXPECT_NE(*world.nodes[0].disk.audio(song.id), whole);
  world.start(2);
  EXPECT_TRUE(world.comes_true(120s, [&] { return *world.nodes[0].disk.audio(song.id) == whole; }));
  EXPECT_EQ(world.repair(0).state().rotten, 1U);
}

TEST(SongRepair, CopyingKeepsToItsRate) {
  SongRepair::Options options;
  options.bytes_per_second = 100'000;
  RepairWorld world(3, 1, options);
  std::vector<core::Song> songs;
  for (int i = 0; i < 10; ++i) songs.push_back(world.put(0, i, 0, 1'000'000));
  ASSERT_TRUE(world.comes_true(30s, [&] { return world.all_have(songs, 3); }));
  world.crash(1);
  world.nodes[1].disk.replace();
  world.start(1);
  world.engine.run_for(50s);
  const auto moved = world.repair(1).state().bytes_copied;
  EXPECT_LE(moved, 9'000'000U);  // 5 MB, and what was under way at once
  EXPECT_GT(world.repair(1).state().bytes_to_move, 0U);
  EXPECT_TRUE(world.repair(1).state().time_left);
  EXPECT_TRUE(world.comes_true(120s, [&] { return world.all_have(songs, 3); }));
}

TEST(SongRepair, TwoThatWantedToLeaveAtTheSameTimeAndStayCountOnEachOtherAgain) {
  RepairWorld world(5);
  const auto sees_leaving = [&world](std::size_t node, std::size_t other) {
    const auto members = world.nodes[node].process().directory->members();
    return std::ranges::any_of(members, [&](const placement::Candidate& member) {
      return member.contact.id == world.contact(other).id && member.leaving;
    });
  };
  world.engine.run_for(5s);
  world.repair(0).leave();
  world.repair(1).leave();
  ASSERT_TRUE(world.comes_true(60s, [&] { return sees_leaving(0, 1) && sees_leaving(1, 0); }));
  world.repair(0).stay();
  world.repair(1).stay();
  EXPECT_TRUE(world.comes_true(180s, [&] { return !sees_leaving(0, 1) && !sees_leaving(1, 0); }));
}

/// Whatever happens to nodes, short of losing all acknowledging disks: once it is over, each song is where it
/// shall be, with the bytes that were uploaded.
class Churn : public testing::TestWithParam<std::uint64_t> {};

TEST_P(Churn, EverythingIsWholeOnceItIsOver) {
  RepairWorld world(7, GetParam(), {.schedule = {.promise = 2min}});  // copies are dropped meanwhile, too
  core::SeededRandom random(GetParam());
  std::vector<core::Song> songs;
  std::vector<std::size_t> down;
  for (int step = 0; step < 30; ++step) {
    const auto node = random.below(world.nodes.size());
    if (world.nodes[node].running && down.empty()) {
      world.crash(node);
      if (random.below(3) == 0 && world.sum().under_replicated == 0) {
        // A disk is lost only while all else is whole: what two acknowledged could be on it and one other.
        const bool spare = std::ranges::all_of(
            songs, [&](const core::Song& song) { return !world.live_holders(song.id).empty(); });
        if (spare) world.nodes[node].disk.replace();
      }
      down.push_back(node);
    } else if (!down.empty()) {
      world.start(down.back());
      down.pop_back();
    }
    std::size_t entry = random.below(world.nodes.size());
    while (!world.nodes[entry].running) entry = (entry + 1) % world.nodes.size();
    auto audio = sim::pretended_audio("Song " + std::to_string(step), "Somebody", "", 0, 50'000);
    const auto outcome = world.wait(world.upload(entry, audio));
    if (outcome) songs.push_back(outcome->song);
    world.engine.run_for(std::chrono::milliseconds(random.below(40'000)));
  }
  for (const auto node : down) world.start(node);
  const auto in_place = [&] {
    return std::ranges::all_of(songs, [&](const core::Song& song) {
      const auto order = world.order(song.id);
      return std::ranges::all_of(std::span(order).first(3), [&](std::size_t holder) {
        const auto* audio = world.nodes[holder].disk.audio(song.id);
        return audio != nullptr && core::sha256(*audio) == song.audio;
      });
    });
  };
  EXPECT_GT(songs.size(), 20U);
  EXPECT_TRUE(world.comes_true(300s, in_place));
  EXPECT_TRUE(world.comes_true(200s, [&] { return world.sum().under_replicated == 0; }));
}

INSTANTIATE_TEST_SUITE_P(Seeds, Churn, testing::Range<std::uint64_t>(1, 21));

}  // namespace
}  // namespace kadenza::distributed::repair
