// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/catalogue/catalogue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/catalogue/connection.hpp"
#include "unit/services/catalogue/catalogue_fixture.hpp"

namespace kadenza::services::catalogue {
namespace {

using core::Errc;
using ::testing::ElementsAre;

std::vector<std::string> names(const std::vector<core::Artist>& artists) {
  std::vector<std::string> names;
  for (const auto& artist : artists) names.push_back(artist.name);
  return names;
}
std::vector<std::string> titles(const std::vector<core::Song>& songs) {
  std::vector<std::string> titles;
  for (const auto& song : songs) titles.push_back(song.tags.title);
  return titles;
}
std::vector<std::string> titles(const std::vector<core::Album>& albums) {
  std::vector<std::string> titles;
  for (const auto& album : albums) titles.push_back(album.title);
  return titles;
}

TEST_F(CatalogueTest, GivesBackEveryFieldOfASong) {
  auto song = sample_song({.title = "T",
                           .artist = "A",
                           .album = "B",
                           .album_artist = "C",
                           .track = 1,
                           .track_total = 2,
                           .disc = 3,
                           .disc_total = 4,
                           .year = 1999,
                           .genres = {"Rock", "Pop"},
                           .composers = {"D", "E"},
                           .bpm = 120,
                           .isrc = "USRC17607839",
                           .musicbrainz_recording = "m",
                           .compilation = true},
                          17);
  song.cover = core::sha256(std::string_view("cover"));
  add({song});
  EXPECT_EQ(rows.song(song.id).value(), song);
  EXPECT_EQ(rows.song(core::SongId{}).error().code, Errc::kNotFound);
}

TEST_F(CatalogueTest, AddsASongOnce) {
  const auto song = sample_song({.title = "T", .artist = "A", .album = "B", .genres = {"Rock"}});
  add({song});
  EXPECT_EQ(rows.merge(std::vector{song, song})->added, 0);
  const auto totals = rows.totals().value();
  EXPECT_EQ(totals.songs, 1);
  EXPECT_EQ(totals.albums, 1);
  EXPECT_EQ(totals.artists, 1);
  EXPECT_EQ(totals.genres, 1);
  EXPECT_EQ(totals.bytes, song.size);
  EXPECT_EQ(totals.duration, song.properties.duration);
  EXPECT_EQ(rows.artist(song.artist_id())->artist.song_count, 1);
}

TEST_F(CatalogueTest, KeepsAnAlbumsSumsAsSongsCome) {
  const auto first =
      sample_song({.title = "1", .artist = "A", .album = "B", .year = 1990, .genres = {"Rock"}}, 5);
  auto second =
      sample_song({.title = "2", .artist = "A", .album = "B", .year = 1991, .genres = {"rock", "Jazz"}}, 9);
  second.cover = core::sha256(std::string_view("cover"));
  add({first});
  add({second});
  const auto album = rows.album(*first.album_id())->album;
  EXPECT_EQ(album.song_count, 2);
  EXPECT_EQ(album.duration, 2 * first.properties.duration);
  EXPECT_EQ(album.year, 1991);
  EXPECT_EQ(album.newest, at_ms(9));
  EXPECT_EQ(album.cover_song, second.id);
  EXPECT_THAT(album.genres, ElementsAre("Rock", "Jazz"));
  EXPECT_EQ(album.artist_id, first.artist_id());
  EXPECT_EQ(rows.genre("ROCK")->song_count, 2);
  EXPECT_EQ(rows.genre("rock")->album_count, 1);
  EXPECT_EQ(rows.genre("polka").error().code, Errc::kNotFound);
}

TEST_F(CatalogueTest, OrdersAnAlbumByDiscThenTrack) {
  const auto song = [](const char* title, std::uint16_t disc, std::uint16_t track) {
    return sample_song({.title = title, .artist = "A", .album = "B", .track = track, .disc = disc});
  };
  add({song("d", 2, 1), song("b", 1, 2), song("c", 1, 10), song("a", 1, 1)});
  EXPECT_THAT(titles(rows.album(core::album_id("A", "B"))->songs), ElementsAre("a", "b", "c", "d"));
}

TEST_F(CatalogueTest, ListsTrackArtistsAndListedArtists) {
  add({sample_song({.title = "1", .artist = "Guest", .album = "Mix", .album_artist = "Host", .year = 2001}),
       sample_song({.title = "2", .artist = "Host", .album = "Mix", .album_artist = "Host", .year = 2001}),
       sample_song({.title = "3", .artist = "Guest", .album = "Own", .year = 1999}),
       sample_song({.title = "4", .artist = "Guest", .album = "Hits", .compilation = true})});
  const auto guest = rows.artist(core::artist_id("Guest")).value();
  EXPECT_THAT(titles(guest.albums), ElementsAre("Own"));
  EXPECT_THAT(titles(guest.appears_on), ::testing::UnorderedElementsAre("Mix", "Hits"));
  EXPECT_EQ(guest.artist.song_count, 3);
  EXPECT_EQ(guest.artist.album_count, 1);
  const auto host = rows.artist(core::artist_id("host")).value();
  EXPECT_THAT(titles(host.albums), ElementsAre("Mix"));
  EXPECT_TRUE(host.appears_on.empty());
  EXPECT_EQ(host.artist.song_count, 2);
  EXPECT_EQ(rows.artist(core::artist_id(core::kVariousArtists))->artist.album_count, 1);
}

TEST_F(CatalogueTest, OrdersAnArtistsAlbumsFromTheNewestYear) {
  add({sample_song({.title = "1", .artist = "A", .album = "old", .year = 1970}),
       sample_song({.title = "2", .artist = "A", .album = "b", .year = 1980}),
       sample_song({.title = "3", .artist = "A", .album = "a", .year = 1980})});
  EXPECT_THAT(titles(rows.artist(core::artist_id("A"))->albums), ElementsAre("a", "b", "old"));
}

TEST_F(CatalogueTest, OrdersNamesAsPeopleDo) {
  std::vector<core::Song> songs;
  for (const auto* name : {"Zebra", "éclair", "Eclat", "apple", "Ávila", "Ωmega", "Жук", "東京"})
    songs.push_back(sample_song({.title = "t", .artist = name}));
  add(songs);
  EXPECT_THAT(names(rows.artists({}).value().items),
              ElementsAre("apple", "Ávila", "éclair", "Eclat", "Zebra", "Ωmega", "Жук", "東京"));
}

TEST_F(CatalogueTest, NumbersEveryRowWithItsShard) {
  const auto plain = sample_song({.title = "1", .artist = "A", .album = "B"});
  const auto mixed = sample_song({.title = "2", .artist = "A", .album = "C", .compilation = true});
  const auto loose = sample_song({.title = "3", .artist = "A"});
  add({plain, mixed, loose});
  const auto shard = [&](const core::Song& song) {
    return database->read([&](Connection& connection) -> core::Result<std::int64_t> {
      Query query(connection, "SELECT shard FROM songs WHERE id = ?1", song.id);
      query.step();
      return query.integer(0);
    });
  };
  EXPECT_EQ(shard(plain), core::shard_of(core::artist_id("A")));
  EXPECT_EQ(shard(mixed), core::shard_of(*mixed.album_id()));
  EXPECT_EQ(shard(loose), core::shard_of(core::artist_id("A")));
}

TEST_F(CatalogueTest, TellsChangesInTheOrderOfAdding) {
  add({sample_song({.title = "1", .artist = "A", .album = "B"}, 50)});
  add({sample_song({.title = "2", .artist = "A", .album = "B"}, 10),
       sample_song({.title = "3", .artist = "C", .album = "D"}, 20)});
  const auto first = rows.changes(0, 1).value();
  EXPECT_EQ(first.songs.size(), 1);
  EXPECT_EQ(first.albums.size(), 1);
  EXPECT_EQ(first.artists.size(), 1);
  const auto rest = rows.changes(first.last, 100).value();
  ASSERT_EQ(rest.songs.size(), 2);
  EXPECT_EQ(rest.songs[0].item.tags.title, "2");
  EXPECT_EQ(rest.albums.size(), 1);
  EXPECT_EQ(rest.artists.size(), 1);
  EXPECT_EQ(rows.changes(rest.last, 100)->songs.size(), 0);
  EXPECT_EQ(rest.last, rows.last_change());
}

TEST_F(CatalogueTest, PositionsFollowTheTimeOfStoring) {
  const auto songs = many_songs(500, 1);
  for (std::size_t i = 0; i < songs.size(); i += 50) add({songs.begin() + i, songs.begin() + i + 50});
  auto changes = rows.changes(0, 1000).value();
  std::ranges::sort(changes.songs, {}, &Row<core::Song>::position);
  EXPECT_TRUE(std::ranges::is_sorted(changes.songs, {}, &Row<core::Song>::newest));
  for (const auto& row : changes.songs) EXPECT_EQ(rows.position_of(row.newest, row.item.id), row.position);
  EXPECT_EQ(rows.position_of(at_ms(-1), core::SongId{}), Position{0});
}

TEST_F(CatalogueTest, LoadsRowsInTheOrderAskedFor) {
  add(many_songs(10, 2));
  const auto changes = rows.changes(0, 100).value();
  const std::vector<Position> wanted{changes.songs[3].position, 7, changes.songs[1].position};
  const auto loaded = rows.rows(wanted, {}, {}).value();
  ASSERT_EQ(loaded.songs.size(), 2);
  EXPECT_EQ(loaded.songs[0].item, changes.songs[3].item);
  EXPECT_EQ(loaded.songs[1].item, changes.songs[1].item);
}

}  // namespace
}  // namespace kadenza::services::catalogue
