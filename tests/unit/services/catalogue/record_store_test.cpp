// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/catalogue/record_store.hpp"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/catalogue/song_codec.hpp"
#include "unit/services/catalogue/catalogue_fixture.hpp"

namespace kadenza::services::catalogue {
namespace {

using core::Errc;

class RecordStoreTest : public CatalogueTest {
 protected:
  static core::SongRecord record(const std::string& title) {
    core::SongRecord record{.song = sample_song({.title = title, .artist = "A", .album = "B"}), .chunks = {}};
    record.song.cover = core::sha256("cover of " + title);
    for (int i = 0; i < 16; ++i) record.chunks.push_back(core::sha256(fmt::format("{} {}", title, i)));
    return record;
  }
  std::optional<core::SongRecord> put(const core::SongRecord& record) {
    std::optional<core::SongRecord> existing;
    const auto done = database->write([&](Transaction& transaction) -> core::Result<void> {
      KADENZA_TRY(existing, store.put_if_absent(transaction, record));
      return {};
    });
    EXPECT_TRUE(done);
    return existing;
  }
  core::Result<void> put_facts(core::SongId id, const core::DerivedFacts& facts) {
    return database->write([&](Transaction& transaction) { return store.put_facts(transaction, id, facts); });
  }

  RecordStore store{*database};
};

TEST_F(RecordStoreTest, KeepsTheFirstRecordOfAnId) {
  const auto first = record("one");
  auto second = first;
  second.song.audio = core::sha256(std::string_view("other audio"));
  EXPECT_EQ(put(first), std::nullopt);
  EXPECT_EQ(put(second), first);
  EXPECT_EQ(store.get(first.song.id).value(), first);
  EXPECT_EQ(store.get(core::SongId{}).value(), std::nullopt);
  EXPECT_EQ(store.totals()->records, 1);
  EXPECT_EQ(store.totals()->audio_bytes, first.song.size);
}

TEST_F(RecordStoreTest, SurvivesReopening) {
  const auto kept = record("one");
  put(kept);
  database.reset();
  database = Database::open(folder.path()).value();
  EXPECT_EQ(RecordStore(*database).get(kept.song.id).value(), kept);
}

TEST_F(RecordStoreTest, KnowsWhichBlobsAreNamed) {
  const auto kept = record("one");
  put(kept);
  EXPECT_TRUE(store.names_audio(kept.song.audio).value());
  EXPECT_TRUE(store.names_cover(*kept.song.cover).value());
  EXPECT_FALSE(store.names_audio(*kept.song.cover).value());
  EXPECT_FALSE(store.names_cover(kept.song.audio).value());
}

TEST_F(RecordStoreTest, ListsAPartitionInPages) {
  std::vector<core::SongId> expected;
  for (int i = 0; i < 200; ++i) {
    const auto one = record(fmt::format("song {}", i));
    put(one);
    if (one.song.id.bytes[0] >> 6 == 2) expected.push_back(one.song.id);
  }
  std::ranges::sort(expected);
  core::SongId prefix;
  prefix.bytes[0] = 0x80;
  std::vector<core::SongId> all;
  std::optional<core::SongId> after;
  while (true) {
    const auto page = store.list(prefix, 2, after, 7).value();
    all.insert(all.end(), page.begin(), page.end());
    if (page.size() < 7) break;
    after = page.back();
  }
  EXPECT_EQ(all, expected);
  EXPECT_EQ(store.list({}, 0, std::nullopt, 1000)->size(), 200);
  EXPECT_EQ(store.list(expected[0], 256, std::nullopt, 10)->size(), 1);
  EXPECT_EQ(store.list(prefix, 2, core::SongId{}, 1000).value(), expected);
}

TEST_F(RecordStoreTest, QueuesSongsUntilTheyAreAnalysed) {
  const auto one = record("one"), two = record("two");
  put(one);
  put(two);
  EXPECT_THAT(store.unanalysed(10).value(), ::testing::ElementsAre(one.song.id, two.song.id));
  core::DerivedFacts facts{.loudness = core::Loudness{-14.5, 0.98, 7.25},
                           .waveform = std::vector<std::uint8_t>(core::kWaveformPoints, 77),
                           .damaged = "cut"};
  ASSERT_TRUE(put_facts(one.song.id, facts));
  EXPECT_THAT(store.unanalysed(10).value(), ::testing::ElementsAre(two.song.id));
  EXPECT_EQ(store.facts(one.song.id).value(), facts);
  EXPECT_EQ(store.facts(two.song.id).value(), std::nullopt);
  facts = {};
  ASSERT_TRUE(put_facts(one.song.id, facts));
  EXPECT_EQ(store.facts(one.song.id).value(), facts);
  EXPECT_EQ(put_facts(core::SongId{}, facts).error().code, Errc::kNotFound);
}

TEST(SongCodec, RefusesEveryCutAndNeverCrashesOnChangedBytes) {
  const auto song =
      sample_song({.title = "T", .artist = "A", .album = "B", .genres = {"x"}, .composers = {"y"}});
  const auto bytes = encode_song(song);
  EXPECT_EQ(decode_song(bytes), song);
  for (std::size_t length = 0; length < bytes.size(); ++length)
    EXPECT_EQ(decode_song(std::span(bytes).first(length)), std::nullopt);
  std::mt19937 random(5);
  for (int i = 0; i < 20'000; ++i) {
    auto changed = bytes;
    for (int j = 0; j < 3; ++j) changed[random() % changed.size()] = static_cast<std::uint8_t>(random());
    (void)decode_song(changed);
    (void)decode_facts(changed);
  }
}

}  // namespace
}  // namespace kadenza::services::catalogue
