// SPDX-License-Identifier: AGPL-3.0-or-later
#include <algorithm>
#include <random>
#include <span>

#include <gtest/gtest.h>

#include "services/catalogue/connection.hpp"
#include "support/temporary_folder.hpp"
#include "unit/services/catalogue/catalogue_fixture.hpp"
#include "unit/services/catalogue/everything.hpp"

namespace kadenza::services::catalogue {
namespace {

/// A catalogue of its own, given rows in pieces.
struct Node {
  explicit Node(std::span<const core::Song> songs = {}, std::size_t piece = 1000)
      : database(Database::open(folder.path()).value()) {
    for (std::size_t at = 0; at < songs.size(); at += piece) {
      const auto merged = rows.merge(songs.subspan(at, std::min(piece, songs.size() - at)));
      EXPECT_TRUE(merged) << merged.error().detail;
    }
  }

  kadenza::testing::TemporaryFolder folder;
  std::unique_ptr<Database> database;
  Catalogue rows{*database};
  ShardReader shards{*database};
};

std::vector<RowVersion> all_versions(const ShardReader& shards) {
  std::vector<RowVersion> all;
  for (std::uint32_t shard = 0; shard < kShards; ++shard) {
    core::SongId after;
    while (true) {
      const auto page = shards.versions(shard, after, 3).value();
      all.insert(all.end(), page.begin(), page.end());
      if (page.size() < 3) break;
      after = page.back().id;
    }
  }
  std::ranges::sort(all, {}, &RowVersion::id);
  return all;
}

class MergeTest : public ::testing::TestWithParam<std::uint32_t> {};

TEST_P(MergeTest, EveryOrderOfRowsLeavesWhatTheWinnersAloneWould) {
  const auto history = contested_songs(60, GetParam());
  const auto final_rows = winners(history);
  const Node fresh(final_rows);
  const auto expected = everything(fresh.rows);
  ASSERT_EQ(fresh.rows.totals()->songs, final_rows.size());

  std::mt19937 random(GetParam());
  for (int round = 0; round < 3; ++round) {
    auto shuffled = history;
    std::ranges::shuffle(shuffled, random);
    shuffled.insert(shuffled.end(), shuffled.begin(), shuffled.begin() + 20);  // some come again
    const Node node(shuffled, 1 + random() % 40);
    const auto found = everything(node.rows);
    for (const auto& [name, texts] : expected) {
      const auto same = found.find(name);
      ASSERT_NE(same, found.end()) << name << ", round " << round;
      ASSERT_EQ(same->second, texts) << name << ", round " << round;
    }
    EXPECT_EQ(found.size(), expected.size());
    EXPECT_EQ(node.shards.digests().value(), fresh.shards.digests().value());
    EXPECT_EQ(all_versions(node.shards), all_versions(fresh.shards));
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, MergeTest, ::testing::Range(1u, 13u));

TEST(Merge, SaysWhatLostAndWhatWinsAgainstAGivenRow) {
  Node node;
  const auto first = sample_song({.title = "Song", .artist = "Artist"}, 1000);
  auto later = first;
  later.first_stored = at_ms(2000);
  later.audio = core::sha256("later");

  EXPECT_EQ(node.rows.merge(std::vector{later})->added, 1);
  const auto replaced = node.rows.merge(std::vector{first}).value();
  EXPECT_EQ(replaced.added, 0);
  EXPECT_EQ(replaced.superseded, std::vector{later});
  const auto refused = node.rows.merge(std::vector{later}).value();
  EXPECT_FALSE(refused.changed());
  EXPECT_EQ(refused.stale, std::vector{first});
  EXPECT_FALSE(node.rows.merge(std::vector{first})->changed());
  EXPECT_EQ(node.rows.song(first.id).value(), first);
}

TEST(Merge, RowsOfTheSameMillisecondGoByTheirAudio) {
  Node node;
  auto a = sample_song({.title = "Song", .artist = "Artist"}, 1000);
  auto b = a;
  b.audio = core::sha256("other");
  if (b.audio < a.audio) std::swap(a, b);
  ASSERT_TRUE(node.rows.merge(std::vector{b}));
  EXPECT_EQ(node.rows.merge(std::vector{a})->superseded, std::vector{b});
}

TEST(Merge, DigestsDifferWhenAnyRowDoes) {
  const auto songs = winners(contested_songs(40, 3));
  const Node all(songs);
  const auto most = std::span<const core::Song>(songs).first(songs.size() - 1);
  const Node fewer(most);
  EXPECT_NE(all.shards.digests().value(), fewer.shards.digests().value());

  auto other = songs;
  other.back().first_stored += std::chrono::milliseconds(1);
  EXPECT_NE(all.shards.digests().value(), Node(other).shards.digests().value());
}

TEST(Merge, ARowThatReplacesAnotherIsANewChange) {
  Node node;
  const auto first = sample_song({.title = "Song", .artist = "Artist", .album = "Album"}, 1000);
  auto later = first;
  later.first_stored = at_ms(2000);
  ASSERT_TRUE(node.rows.merge(std::vector{later}));
  const std::vector<std::uint32_t> shards{shard_of(first)};
  const auto before = node.shards.changes(0, shards, 10).value();
  EXPECT_EQ(before.songs, std::vector{later});
  EXPECT_EQ(before.last, node.rows.last_change());
  ASSERT_TRUE(node.rows.merge(std::vector{first}));
  EXPECT_EQ(node.shards.changes(before.last, shards, 10)->songs, std::vector{first});
  EXPECT_EQ(node.shards.changes(0, shards, 10)->songs, std::vector{first});
}

TEST(Merge, ChangesAreOfTheShardsAskedForAndComeInPieces) {
  const auto songs = winners(contested_songs(60, 5));
  const Node node(songs, 7);
  std::vector<std::uint32_t> even;
  for (std::uint32_t shard = 0; shard < kShards; shard += 2) even.push_back(shard);
  std::vector<core::Song> got;
  std::uint64_t after = 0;
  while (true) {
    const auto piece = node.shards.changes(after, even, 4).value();
    got.insert(got.end(), piece.songs.begin(), piece.songs.end());
    if (piece.last == after) break;
    after = piece.last;
  }
  std::vector<core::Song> expected;
  for (const auto& song : songs)
    if (shard_of(song) % 2 == 0) expected.push_back(song);
  EXPECT_EQ(got, expected);
  EXPECT_EQ(after, node.rows.last_change());
}

TEST(Merge, ABurstOfRowsInAnyOrderFindsItsPlaces) {
  std::vector<core::Song> burst;
  for (int i = 0; i < 3000; ++i)
    burst.push_back(sample_song({.title = fmt::format("Song {}", i), .artist = "Artist"}, i / 100));
  std::mt19937 random(1);
  std::ranges::shuffle(burst, random);
  const Node node(burst);
  EXPECT_EQ(node.rows.totals()->songs, burst.size());
}

TEST(Merge, AFileFromBeforeShardsGetsItsDigests) {
  auto songs = contested_songs(40, 9);
  songs = winners(songs);
  Node node(songs);
  const auto before = everything(node.rows);
  const auto digests = node.shards.digests().value();
  const auto versions = all_versions(node.shards);
  const auto file = node.folder.path() / "library.db";
  {
    node.database.reset();
    Connection old(file, Connection::Mode::kReadWrite, 1024);
    old.raw().exec(R"sql(
      DROP INDEX songs_of_shard; ALTER TABLE songs DROP COLUMN version; DROP TABLE shards;
      DROP TABLE removed_rows; DROP INDEX appearances_by_album; DELETE FROM totals WHERE name = 'changes';
      ALTER TABLE artists DROP COLUMN lead_time; ALTER TABLE artists DROP COLUMN lead;
      ALTER TABLE artists DROP COLUMN cover_time;
      ALTER TABLE genres DROP COLUMN lead_time; ALTER TABLE genres DROP COLUMN lead;
      DROP TABLE documents;
      PRAGMA user_version = 2;)sql");
  }
  auto database = Database::open(node.folder.path());
  ASSERT_TRUE(database) << database.error().detail;
  Catalogue rows(**database);
  const ShardReader shards(**database);
  EXPECT_EQ(everything(rows), before);
  EXPECT_EQ(shards.digests().value(), digests);
  EXPECT_EQ(all_versions(shards), versions);

  auto earlier = songs[5];
  earlier.first_stored = at_ms(-1);
  songs[5] = earlier;
  ASSERT_TRUE(rows.merge(std::vector{earlier}));
  EXPECT_EQ(everything(rows), everything(Node(winners(songs)).rows));
}

}  // namespace
}  // namespace kadenza::services::catalogue
