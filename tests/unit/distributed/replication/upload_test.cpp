// SPDX-License-Identifier: AGPL-3.0-or-later
#include "tests/unit/distributed/replication/world.hpp"

namespace kadenza::distributed::replication {
namespace {

const core::SongId kSong = core::song_id("Title", "Artist", "Album");

Bytes audio(std::uint64_t version = 0, std::size_t bytes = 600'000) {
  return pretended_audio("Title", "Artist", "Album", version, bytes, "a picture");
}

/// Exactly these nodes hold the song, each with its bytes and the same record.
void expect_held(World& world, const std::set<std::size_t>& nodes, const Bytes& bytes,
                 bool stored_once = true) {
  EXPECT_EQ(world.holding(kSong), nodes);
  std::optional<core::SongRecord> first;
  for (const auto node : world.holding(kSong)) {
    const auto& disk = world.nodes[node].disk;
    auto record = *disk.record(kSong);
    if (!stored_once && first) record.song.first_stored = first->song.first_stored;
    if (!first) first = record;
    EXPECT_EQ(record, *first) << "at " << node;
    EXPECT_EQ(*disk.audio(kSong), bytes) << "at " << node;
  }
}

std::set<std::size_t> first_of(const std::vector<std::size_t>& order, std::size_t count) {
  return {order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count)};
}

TEST(UploadTest, TheFirstOfTheOrderHoldTheSongWhoeverReceivedIt) {
  for (std::size_t rank = 0; rank < 6; ++rank) {
    World world(6);
    const auto order = world.order(kSong);
    const auto outcome = world.must_upload(order[rank], audio());
    EXPECT_TRUE(outcome.added);
    EXPECT_TRUE(outcome.same_audio);
    EXPECT_TRUE(outcome.searchable);
    EXPECT_EQ(outcome.song.id, kSong);
    EXPECT_GE(world.holding(kSong).size(), 2u);
    world.engine.run_for(30s);
    expect_held(world, first_of(order, 3), audio());
    EXPECT_EQ(world.nodes[order[0]].disk.record(kSong)->song, outcome.song);
    const auto cover = world.wait(world.nodes[order[2]].process().store.cover_of(kSong));
    ASSERT_TRUE(cover);
    EXPECT_EQ(core::sha256(cover->bytes), outcome.song.cover);
    ASSERT_EQ(world.announced.size(), 1u);
    EXPECT_EQ(world.announced[0], outcome.song);
    EXPECT_TRUE(world.at_rest());
  }
}

TEST(UploadTest, TheFirstHolderStampsTheTime) {
  World world(4);
  world.engine.run_for(1h);
  const auto before = world.clock.wall_now();
  const auto outcome = world.must_upload(world.order(kSong)[3], audio());
  EXPECT_GE(outcome.song.first_stored, before);
  EXPECT_LE(outcome.song.first_stored, world.clock.wall_now());
}

TEST(UploadTest, ANodeWhoseClockIsAheadStampsNothing) {
  const auto order = World(4).order(kSong);
  for (std::size_t entry = 1; entry < 4; ++entry) {
    World world(4, 1, {.clock_errors = {{order[0], 2h}}});
    const auto outcome = world.must_upload(order[entry], audio());
    EXPECT_LE(outcome.song.first_stored, world.clock.wall_now());
    world.engine.run_for(60s);
    expect_held(world, first_of(order, 3), audio());
  }
}

TEST(UploadTest, ATimeToComeIsKeptByNobodyWhoseClockIsRight) {
  const auto order = World(4).order(kSong);
  World world(4, 1, {.clock_errors = {{order[0], 2h}, {order[2], 2h}}});
  EXPECT_TRUE(world.must_upload(order[2], audio()).added);
  EXPECT_FALSE(world.must_upload(order[1], audio()).added);
  world.engine.run_for(60s);
  EXPECT_EQ(world.holding(kSong), (std::set{order[0], order[2]}));
}

TEST(UploadTest, AcknowledgedMeansDurableOnTheQuorum) {
  for (std::size_t slow = 0; slow < 3; ++slow) {
    World world(5);
    const auto order = world.order(kSong);
    for (std::size_t rank = 0; rank < 3; ++rank) {
      world.nodes[order[rank]].disk.sync = rank == slow ? 700ms : 200ms;
    }
    world.must_upload(order[4], audio());
    for (std::size_t i = 0; i < 5; ++i) world.crash(i);
    EXPECT_GE(world.holding(kSong).size(), 2u);
  }
}

TEST(UploadTest, AFullOrDeadHolderIsReplacedByTheNextInTheOrder) {
  for (std::size_t rank = 0; rank < 3; ++rank) {
    for (const bool full : {false, true}) {
      World world(6);
      const auto order = world.order(kSong);
      if (full) {
        world.nodes[order[rank]].disk.capacity = 1000;
      } else {
        world.crash(order[rank]);
      }
      const auto began = world.engine.now();
      EXPECT_TRUE(world.must_upload(order[5], audio()).added);
      EXPECT_LT(world.engine.now() - began, 4s);
      world.engine.run_for(60s);
      auto expected = first_of(order, 4);
      expected.erase(order[rank]);
      expect_held(world, expected, audio());
    }
  }
}

TEST(UploadTest, FirstTheCopiesThatTheUploaderWaitsForAreMade) {
  for (const std::size_t rank : {0u, 2u, 5u}) {
    World world(6);
    const auto order = world.order(kSong);
    world.must_upload(order[rank], audio());
    const auto at_the_answer = world.holding(kSong);
    EXPECT_EQ(at_the_answer, (std::set{order[0], order[rank < 3 && rank > 0 ? rank : 1]}));
    world.engine.run_for(30s);
    expect_held(world, first_of(order, 3), audio());
  }
}

TEST(UploadTest, ASlowLineMakesNoFurtherCopies) {
  World world(6);
  const auto order = world.order(kSong);
  world.network.set_line(world.nodes[order[5]].host, {.up = 1'000'000});
  const auto large = audio(0, 3'000'000);
  const auto began = world.engine.now();
  world.must_upload(order[5], large);
  ASSERT_GT(world.engine.now() - began, 3s) << "a holder that had stopped to read would be late by then";
  world.engine.run_for(60s);
  expect_held(world, first_of(order, 3), large);
}

TEST(UploadTest, AHungHolderIsReplacedAfterAWhile) {
  for (std::size_t rank = 0; rank < 3; ++rank) {
    World world(6);
    const auto order = world.order(kSong);
    world.hang(order[rank]);
    const auto began = world.engine.now();
    EXPECT_TRUE(world.must_upload(order[5], audio()).added);
    EXPECT_LT(world.engine.now() - began, 6s);
    world.engine.run_for(90s);
    auto expected = first_of(order, 4);
    expected.erase(order[rank]);
    expect_held(world, expected, audio());
  }
}

TEST(UploadTest, AHolderThatDiesDuringTheUploadIsNotSeenByTheUploader) {
  const auto large = audio(0, 3'000'000);
  for (std::size_t rank = 0; rank < 3; ++rank) {
    for (auto when = 0ms; when <= 2'400ms; when += 200ms) {
      World world(6);
      const auto order = world.order(kSong);
      const auto upload = world.begin(world.upload(order[5], large));
      world.engine.run_for(when);
      world.crash(order[rank]);
      const auto outcome = world.finish(upload);
      ASSERT_TRUE(outcome) << outcome.error().detail;
      auto alive = world.holding(kSong);
      alive.erase(order[rank]);
      EXPECT_GE(alive.size() + world.holding(kSong).contains(order[rank]), 2u);
      world.engine.run_for(60s);
      alive = world.holding(kSong);
      alive.erase(order[rank]);
      EXPECT_GE(alive.size(), 2u) << "killed after " << when.count() << " ms";
      expect_held(world, world.holding(kSong), large);
    }
  }
}

TEST(UploadTest, AnEntryThatDiesLeavesAllOrNothingAndTheRetrySucceeds) {
  const auto large = audio(0, 3'000'000);
  int invisible = 0;
  for (auto when = 0ms; when <= 2'400ms; when += 120ms) {
    World world(6);
    const auto order = world.order(kSong);
    (void)world.begin(world.upload(order[5], large));
    world.engine.run_for(when);
    world.crash(order[5]);
    world.engine.run_for(2min);
    invisible += world.holding(kSong).empty() ? 1 : 0;
    expect_held(world, world.holding(kSong), large);

    const auto again = world.must_upload(order[4], large);
    EXPECT_TRUE(again.same_audio);
    world.engine.run_for(60s);
    // A copy that the first upload had left keeps its own time.
    expect_held(world, first_of(order, 3), large, false);
    EXPECT_TRUE(world.at_rest() || world.nodes[order[5]].process().store.receiving == 1);
  }
  EXPECT_GT(invisible, 3);
}

TEST(UploadTest, ARetryRightAfterTheEntrysDeathNeedsNotWaitForTheLease) {
  World world(6);
  const auto order = world.order(kSong);
  (void)world.begin(world.upload(order[5], audio()));
  world.engine.run_for(400ms);
  world.crash(order[5]);
  const auto began = world.engine.now();
  EXPECT_TRUE(world.must_upload(order[4], audio()).same_audio);
  EXPECT_LT(world.engine.now() - began, 5s);
}

TEST(UploadTest, OtherAudioWaitsForTheClaimOfADeadEntryAtMost) {
  World world(6);
  const auto order = world.order(kSong);
  const auto lost = world.begin(world.upload(order[5], audio(1, 3'000'000)));
  while (world.nodes[order[0]].process().store.receiving == 0) ASSERT_TRUE(world.engine.step());
  world.crash(order[5]);
  const auto began = world.engine.now();
  const auto outcome = world.must_upload(order[4], audio(2));
  EXPECT_LT(world.engine.now() - began, Claims::kLease + 5s);
  EXPECT_TRUE(outcome.added);
  EXPECT_EQ(outcome.song.audio, core::sha256(audio(2)));
}

TEST(UploadTest, TooFewNodesIsSaidAndNothingIsAdded) {
  World world(3);
  const auto order = world.order(kSong);
  for (std::size_t entry = 0; entry < 3; ++entry) {
    for (std::size_t i = 0; i < 3; ++i) {
      if (i != entry) world.crash(i);
    }
    const auto refused = world.wait(world.upload(entry, audio()));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kUnavailable);
    EXPECT_NE(refused.error().detail.find("2 nodes"), std::string::npos) << refused.error().detail;
    world.engine.run_for(60s);
    EXPECT_TRUE(world.holding(kSong).empty())
        << "through rank " << std::ranges::find(order, entry) - order.begin();
    for (std::size_t i = 0; i < 3; ++i) {
      if (i != entry) world.start(i);
    }
  }
  EXPECT_TRUE(world.announced.empty());
  world.must_upload(0, audio());
  world.engine.run_for(60s);
  expect_held(world, first_of(order, 3), audio());
}

TEST(UploadTest, HungNodesDoNotKeepTheUploaderPastItsDeadline) {
  World world(3);
  world.hang(1);
  world.hang(2);
  const auto upload = world.begin(world.upload(0, audio(), 15s));
  world.engine.run_for(15s + 1ms);
  ASSERT_TRUE(*upload);
  ASSERT_FALSE(**upload);
  EXPECT_EQ((*upload)->error().code, Errc::kUnavailable);
  world.hang(1, false);
  world.hang(2, false);
  world.engine.run_for(10min);
  EXPECT_TRUE(world.holding(kSong).empty());
}

TEST(UploadTest, MembersCountWhetherTheyCanBeReachedOrNot) {
  World world(1);
  world.enrolled = 3;
  const auto can = world.wait(world.nodes[0].process().replicator->check_quorum(core::Deadline::max()));
  ASSERT_FALSE(can);
  EXPECT_EQ(can.error().code, Errc::kUnavailable);
  EXPECT_EQ(world.wait(world.upload(0, audio())).error().code, Errc::kUnavailable);
  EXPECT_TRUE(world.holding(kSong).empty());
  world.enrolled = 1;
  EXPECT_TRUE(world.wait(world.nodes[0].process().replicator->check_quorum(core::Deadline::max())));
  EXPECT_TRUE(world.must_upload(0, audio()).added) << "alone, one copy is all there can be";
}

TEST(UploadTest, AllDisksFullIsSaid) {
  World world(4);
  for (std::size_t i = 1; i < 4; ++i) world.nodes[i].disk.capacity = 1000;
  const auto refused = world.wait(world.upload(0, audio()));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().detail.find("full"), std::string::npos) << refused.error().detail;
  world.engine.run_for(60s);
  EXPECT_TRUE(world.holding(kSong).empty());
}

TEST(UploadTest, TheSameUploadAgainIsRecognisedEverywhere) {
  World world(6);
  const auto order = world.order(kSong);
  const auto first = world.must_upload(order[5], audio());
  world.engine.run_for(30s);
  for (std::size_t i = 0; i < 6; ++i) {
    const auto again = world.must_upload(i, audio());
    EXPECT_FALSE(again.added);
    EXPECT_TRUE(again.same_audio);
    EXPECT_EQ(again.song, first.song);
    const auto other = world.must_upload(i, audio(2));
    EXPECT_FALSE(other.added);
    EXPECT_FALSE(other.same_audio);
    EXPECT_EQ(other.song, first.song);
  }
  world.engine.run_for(60s);
  expect_held(world, first_of(order, 3), audio());
}

TEST(UploadTest, TheSameUploadAgainCompletesLostCopies) {
  World world(5);
  const auto order = world.order(kSong);
  const auto first = world.must_upload(order[4], audio());
  world.engine.run_for(30s);
  for (const auto lost : {order[1], order[2]}) {
    world.crash(lost);
    world.nodes[lost].disk.replace();
    world.start(lost);
  }
  const auto again = world.must_upload(order[4], audio());
  EXPECT_EQ(again.song, first.song) << "with the time of the first";
  world.engine.run_for(30s);
  expect_held(world, first_of(order, 3), audio());
}

TEST(UploadTest, TheFirstHoldersLossDoesNotMakeTheSongAnothers) {
  World world(5);
  const auto order = world.order(kSong);
  const auto first = world.must_upload(order[4], audio(1));
  world.engine.run_for(30s);
  world.crash(order[0]);
  world.nodes[order[0]].disk.replace();
  world.start(order[0]);
  const auto other = world.must_upload(order[3], audio(2));
  EXPECT_FALSE(other.added);
  EXPECT_FALSE(other.same_audio);
  EXPECT_EQ(other.song, first.song);
}

TEST(UploadTest, OfUploadsAtTheSameTimeOneAudioIsTheSongEverywhere) {
  for (std::uint64_t seed = 1; seed <= 24; ++seed) {
    World world(6, seed);
    std::vector<std::shared_ptr<std::optional<Outcome>>> uploads;
    for (std::uint64_t version = 0; version < 3; ++version) {
      uploads.push_back(world.begin(world.upload((seed + version) % 6, audio(version))));
      if (seed % 2 == 0) world.engine.run_for(seed * 10ms);
    }
    std::set<core::Digest> answers;
    int added = 0;
    int same = 0;
    for (const auto& upload : uploads) {
      const auto outcome = world.finish(upload);
      ASSERT_TRUE(outcome) << outcome.error().detail;
      answers.insert(outcome->song.audio);
      added += outcome->added ? 1 : 0;
      same += outcome->same_audio ? 1 : 0;
    }
    EXPECT_EQ(answers.size(), 1u) << "seed " << seed;
    EXPECT_EQ(added, 1) << "seed " << seed;
    EXPECT_EQ(same, 1) << "seed " << seed;
    world.engine.run_for(60s);
    const auto order = world.order(kSong);
    const auto holders = world.holding(kSong);  // a slow one has a stand-in beside it
    EXPECT_TRUE(std::ranges::includes(holders, first_of(order, 3))) << "seed " << seed;
    for (const auto node : holders) {
      EXPECT_EQ(world.nodes[node].disk.record(kSong)->song.audio, *answers.begin());
    }
  }
}

TEST(UploadTest, UploadsThatAskDifferentNodesForTheSongStillEndWithOneAnswer) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    World world(6, seed);
    const auto order = world.order(kSong);
    // This entry believes the first of the order to be gone, and asks the second.
    auto& mistaken = *world.nodes[order[5]].process().directory;
    (void)world.wait(
        mistaken.order(placement::partition_of(kSong, world.settings.partition_bits), World::kNever));
    mistaken.failed(world.nodes[order[0]].id);
    const auto one = world.begin(world.upload(order[4], audio(1)));
    world.engine.run_for(seed * 100ms);
    const auto two = world.begin(world.upload(order[5], audio(2)));
    const auto first = world.finish(one);
    const auto second = world.finish(two);
    ASSERT_TRUE(first) << first.error().detail;
    ASSERT_TRUE(second) << second.error().detail;
    EXPECT_TRUE(first->same_audio || second->same_audio);
    world.engine.run_for(60s);
    // Whoever was told that its audio is the song finds a quorum of copies of it.
    for (const auto& [outcome, version] : {std::pair{first, 1}, std::pair{second, 2}}) {
      if (!outcome->same_audio) continue;
      std::size_t copies = 0;
      for (const auto node : world.holding(kSong)) {
        copies += world.nodes[node].disk.record(kSong)->song.audio == outcome->song.audio ? 1 : 0;
      }
      EXPECT_GE(copies, 2u) << "seed " << seed << ", audio " << version;
    }
  }
}

TEST(UploadTest, TheSameAudioThroughThreeNodesAtOnceIsOneSong) {
  World world(6);
  std::vector<std::shared_ptr<std::optional<Outcome>>> uploads;
  for (std::size_t entry = 0; entry < 3; ++entry)
    uploads.push_back(world.begin(world.upload(entry, audio())));
  std::set<core::WallTime> times;
  for (const auto& upload : uploads) {
    const auto outcome = world.finish(upload);
    ASSERT_TRUE(outcome) << outcome.error().detail;
    EXPECT_TRUE(outcome->same_audio);
    times.insert(outcome->song.first_stored);
  }
  EXPECT_EQ(times.size(), 1u);
  world.engine.run_for(60s);
  expect_held(world, first_of(world.order(kSong), 3), audio());
}

TEST(UploadTest, WhatIsNotAudioIsRefusedBeforeAnybodyIsAsked) {
  World world(4);
  EXPECT_EQ(world.wait(world.upload(0, {1, 2, 3})).error().code, Errc::kUnsupportedMedia);
  EXPECT_EQ(world.wait(world.upload(0, pretended_audio("", "Artist", ""))).error().code, Errc::kMissingTags);
  EXPECT_TRUE(world.at_rest());
}

}  // namespace
}  // namespace kadenza::distributed::replication
