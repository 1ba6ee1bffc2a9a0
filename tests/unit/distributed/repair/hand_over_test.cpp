// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/repair/hand_over.hpp"

#include <gtest/gtest.h>

#include "distributed/repair/methods.hpp"
#include "distributed/repair/repair_messages.hpp"
#include "tests/unit/distributed/repair/repair_world.hpp"

namespace kadenza::distributed::repair {
namespace {

constexpr auto kPromise = 10min;
const SongRepair::Options kOptions{.schedule = {.promise = kPromise}};

/// The first `running` of all nodes run; the others are new to everybody when they start.
struct Grown : RepairWorld {
  Grown(std::size_t all, std::size_t running, std::uint64_t seed = 1) : RepairWorld(all, seed, kOptions) {
    for (std::size_t i = running; i < all; ++i) crash(i);
    engine.run_for(kGrace + 10s);
  }
  std::vector<core::Song> put_some(int count, std::size_t through = 0) {
    std::vector<core::Song> songs;
    for (int i = 0; i < count; ++i) songs.push_back(put(through, i));
    EXPECT_TRUE(comes_true(60s, [&] { return all_have(songs, 3); }));
    return songs;
  }
  std::set<std::size_t> holders(const core::SongId& id) const {
    std::set<std::size_t> first;
    for (const auto i : order(id)) {
      if (nodes[i].running && first.size() < 3) first.insert(i);
    }
    return first;
  }
  bool in_place(const std::vector<core::Song>& songs) const {
    return std::ranges::all_of(
        songs, [&](const core::Song& song) { return live_holders(song.id) == holders(song.id); });
  }
  /// Runs until it holds; all the time each song has at least R copies.
  bool comes_true_and_all_is_kept(core::Duration time, const std::vector<core::Song>& songs,
                                  const std::function<bool()>& condition) {
    bool kept = true;
    const bool came = comes_true(time, [&] {
      kept = kept && all_have(songs, 3);
      return !kept || condition();
    });
    EXPECT_TRUE(kept) << "a song had too few copies";
    return came && kept;
  }
};

TEST(HandOver, NodesThatJoinGetWhatTheyShallHoldAndTheOthersDropIt) {
  Grown world(8, 5);
  const auto songs = world.put_some(60);
  std::map<core::SongId, std::set<std::size_t>> before;
  for (const auto& song : songs) before[song.id] = world.live_holders(song.id);
  for (std::size_t i = 5; i < 8; ++i) world.start(i);
  std::size_t to_move = 0;
  for (const auto& song : songs) {
    for (const auto i : world.holders(song.id)) to_move += before[song.id].contains(i) ? 0 : 1;
  }
  ASSERT_GT(to_move, 20U);
  EXPECT_TRUE(world.comes_true_and_all_is_kept(3 * kPromise, songs, [&] { return world.in_place(songs); }));
  EXPECT_EQ(world.sum().songs_copied, to_move);  // the minimum
  EXPECT_EQ(world.sum().handed_over, to_move);
  EXPECT_TRUE(world.comes_true(120s, [&] { return world.sum().surplus == 0; }));
}

TEST(HandOver, NothingIsDroppedBeforeTheTimeOfAPromiseHasPassedSinceTheStart) {
  Grown world(8, 5);
  const auto songs = world.put_some(30);
  for (std::size_t i = 0; i < 5; ++i) {
    world.crash(i);
    world.start(i);
  }
  for (std::size_t i = 5; i < 8; ++i) world.start(i);
  world.engine.run_for(kPromise - 10s);
  EXPECT_EQ(world.sum().handed_over, 0U);
  EXPECT_GT(world.sum().surplus, 0U);
}

TEST(HandOver, NothingIsDroppedWhileOneOfItsHoldersIsSilent) {
  Grown world(8, 5);
  const auto songs = world.put_some(60);
  world.engine.run_for(kPromise);
  std::map<core::SongId, std::set<std::size_t>> before;
  for (const auto& song : songs) before[song.id] = world.live_holders(song.id);
  for (std::size_t i = 5; i < 8; ++i) world.start(i);
  std::map<core::SongId, std::set<std::size_t>> shall_hold;
  for (const auto& song : songs) shall_hold[song.id] = world.holders(song.id);
  world.crash(0);
  world.engine.run_for(RepairWorld::kGrace - 10s);
  EXPECT_GT(world.sum().handed_over, 0U);
  std::size_t kept = 0;
  for (const auto& song : songs) {
    if (!shall_hold[song.id].contains(0)) continue;
    for (const auto i : before[song.id]) {
      EXPECT_TRUE(world.nodes[i].disk.holds(song.id));
      kept += shall_hold[song.id].contains(i) ? 0 : 1;
    }
  }
  EXPECT_GT(kept, 5U);
}

TEST(HandOver, OnlyWhoIsAHolderByItsOwnViewPromises) {
  Grown world(5, 5);
  const auto song = world.put_some(1).front();
  const auto ask = [&](std::size_t node) {
    v1::KeepRequest request;
    request.set_songs(pack({held_song(song)}));
    const auto& to = world.nodes[node].process().directory->self();
    const auto from = (node + 1) % world.nodes.size();
    auto& peers = *world.nodes[from].process().peers;
    return world.wait(peers::call(peers, to, std::move(request), world.engine.now() + 5s))->songs(0);
  };
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(ask(i), world.holders(song.id).contains(i) ? v1::PROMISED : v1::NOT_A_HOLDER) << "node " << i;
  }
}

TEST(HandOver, ARottenCopyIsNotPromisedButHealed) {
  Grown world(8, 5);
  const auto songs = world.put_some(20);
  world.engine.run_for(kPromise + 1min);  // what was verified when it was stored does not count any more
  std::map<core::SongId, std::set<std::size_t>> before;
  for (const auto& song : songs) {
    before[song.id] = world.live_holders(song.id);
    world.nodes[*before[song.id].begin()].disk.rot(song.id, 70'000);
  }
  for (std::size_t i = 5; i < 8; ++i) world.start(i);
  EXPECT_TRUE(world.comes_true(4 * kPromise, [&] { return world.in_place(songs); }));
  for (const auto& song : songs) {
    const auto now = world.live_holders(song.id);
    if (now == before[song.id]) continue;  // found by the scrubber
    for (const auto i : now) {
      EXPECT_EQ(core::sha256(*world.nodes[i].disk.audio(song.id)), song.audio) << "node " << i;
    }
  }
  EXPECT_GT(world.sum().healed, 5U);
}

TEST(HandOver, WhatAllHoldersLostComesFromANodeThatIsNone) {
  Grown world(6, 5);
  const auto song = world.put(0, 1);
  ASSERT_TRUE(world.comes_true(10s, [&] { return world.all_have({song}, 3); }));
  // The fourth takes the place of the first for a while.
  const auto order = world.order(song.id);
  std::vector<std::size_t> ranks;
  for (const auto i : order) {
    if (world.nodes[i].running) ranks.push_back(i);
  }
  world.crash(ranks[0]);
  ASSERT_TRUE(world.comes_true(3min, [&] { return world.live_holders(song.id).contains(ranks[3]); }));
  for (int rank = 0; rank < 3; ++rank) {
    if (rank > 0) world.crash(ranks[rank]);
    world.nodes[ranks[rank]].disk.replace();
    world.start(ranks[rank]);
  }
  EXPECT_TRUE(world.comes_true(2min, [&] {
    const auto live = world.live_holders(song.id);
    return live.contains(ranks[0]) && live.contains(ranks[1]) && live.contains(ranks[2]);
  }));
}

TEST(HandOver, TheNextNodeTakesThePlaceOfAFullOne) {
  Grown world(6, 5);
  const auto songs = world.put_some(40);
  world.nodes[5].disk.capacity = 500'000;  // of about 100,000 each
  world.start(5);
  std::size_t lost = 0;
  for (const auto& song : songs) lost += world.live_holders(song.id).contains(1) ? 1 : 0;
  ASSERT_GT(lost, 5U);
  world.crash(1);
  EXPECT_TRUE(world.comes_true(5min, [&] { return world.all_have(songs, 3); }));
  EXPECT_LE(world.nodes[5].disk.used_bytes(), 500'000U);
  EXPECT_TRUE(world.comes_true(3min, [&] { return world.sum().under_replicated == 0; }))
      << world.sum().under_replicated;
  // It stays so: what a stand-in holds in a full one's place is no surplus that it drops.
  EXPECT_FALSE(world.comes_true_and_all_is_kept(3 * kPromise, songs, [] { return false; }));
}

TEST(HandOver, ANodeThatGetsLessRoomGivesAwayWhatIsTooMuchAndTakesItBackLater) {
  Grown world(5, 5);
  const auto songs = world.put_some(40);
  const auto before = world.nodes[2].disk.used_bytes();
  ASSERT_GT(before, 1'500'000U);
  world.nodes[2].disk.capacity = 700'000;
  const auto fits = [&] { return world.nodes[2].disk.used_bytes() <= 700'000; };
  EXPECT_TRUE(world.comes_true_and_all_is_kept(3 * kPromise, songs, fits));
  EXPECT_FALSE(world.comes_true_and_all_is_kept(2 * kPromise, songs, [&] { return !fits(); }))
      << "it stays so";
  world.nodes[2].disk.capacity = UINT64_MAX;
  EXPECT_TRUE(world.comes_true_and_all_is_kept(4 * kPromise, songs, [&] { return world.in_place(songs); }));
}

struct Leaving : testing::Test {
  bool done(Grown& world, std::size_t i) {
    const auto departure = world.repair(i).state().departure;
    return departure && departure->done;
  }
};

TEST_F(Leaving, NodesHandOverAllTheyHoldBeforeTheyGo) {
  Grown world(5, 5);
  const auto songs = world.put_some(60);
  for (const std::size_t i : {1, 3}) {
    const auto copied = world.sum().songs_copied;
    world.repair(i).leave();
    EXPECT_TRUE(world.comes_true_and_all_is_kept(10min, songs, [&] { return done(world, i); }));
    const auto departure = *world.repair(i).state().departure;
    EXPECT_EQ(departure.songs, world.nodes[i].disk.songs());
    EXPECT_EQ(departure.safe_bytes, departure.bytes);
    EXPECT_EQ(world.sum().songs_copied - copied, departure.songs);  // one new copy of each: the minimum
    world.crash(i);
    EXPECT_TRUE(world.all_have(songs, 3)) << "without any grace period";
  }
}

TEST_F(Leaving, NothingMoreIsPlacedOnThem) {
  Grown world(5, 5);
  world.repair(2).leave();
  ASSERT_TRUE(world.comes_true(10s, [&] { return done(world, 2); }));
  for (int i = 0; i < 20; ++i) world.put(static_cast<std::size_t>(i) % 5, i);
  EXPECT_EQ(world.nodes[2].disk.songs(), 0U);
}

TEST_F(Leaving, TwoAtOnceDoNotRelyOnEachOther) {
  Grown world(6, 6);
  const auto songs = world.put_some(60);
  world.repair(0).leave();
  world.repair(4).leave();
  EXPECT_TRUE(
      world.comes_true_and_all_is_kept(10min, songs, [&] { return done(world, 0) && done(world, 4); }));
  world.crash(0);
  world.crash(4);
  EXPECT_TRUE(world.all_have(songs, 3));
}

TEST_F(Leaving, TheyAreNotDoneWhileTheOthersAreTooFew) {
  Grown world(3, 3);
  const auto songs = world.put_some(5);
  world.repair(0).leave();
  world.engine.run_for(5min);
  EXPECT_FALSE(done(world, 0));
  EXPECT_TRUE(world.all_have(songs, 3));
}

TEST_F(Leaving, TheyAreNotDoneWhileTheOthersHaveNoRoom) {
  Grown world(5, 5);
  const auto songs = world.put_some(30);
  for (const std::size_t i : {0, 1, 2, 4})
    world.nodes[i].disk.capacity = world.nodes[i].disk.used_bytes() + 150'000;
  const auto held = world.nodes[3].disk.songs();
  world.repair(3).leave();
  EXPECT_TRUE(world.comes_true_and_all_is_kept(5min, songs, [&] {
    const auto now = *world.repair(3).state().departure;
    return now.homeless_songs > 0 && now.safe_songs + now.homeless_songs == now.songs;
  }));
  EXPECT_GE(world.repair(3).state().departure->homeless_songs, held - 4) << "each has room for one more song";
  EXPECT_FALSE(done(world, 3));
  for (const std::size_t i : {0, 1, 2, 4}) world.nodes[i].disk.capacity = UINT64_MAX;
  EXPECT_TRUE(world.comes_true_and_all_is_kept(10min, songs, [&] { return done(world, 3); }));
}

TEST_F(Leaving, ItIsTakenBackWithoutARestart) {
  Grown world(5, 5);
  const auto songs = world.put_some(30);
  world.repair(2).leave();
  ASSERT_TRUE(world.comes_true(10min, [&] { return done(world, 2); }));
  world.repair(2).stay();
  EXPECT_FALSE(world.repair(2).state().departure);
  EXPECT_TRUE(world.comes_true_and_all_is_kept(4 * kPromise, songs, [&] { return world.in_place(songs); }));
}

TEST_F(Leaving, ARestartTakesItBack) {
  Grown world(5, 5);
  const auto songs = world.put_some(30);
  world.repair(2).leave();
  ASSERT_TRUE(world.comes_true(10min, [&] { return done(world, 2); }));
  world.crash(2);
  world.start(2);
  EXPECT_TRUE(world.comes_true(4 * kPromise, [&] { return world.in_place(songs); }));
}

}  // namespace
}  // namespace kadenza::distributed::repair
