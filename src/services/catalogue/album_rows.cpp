// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/catalogue/album_rows.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/identity.hpp"
#include "services/catalogue/lists.hpp"
#include "services/catalogue/rows.hpp"
#include "services/catalogue/song_codec.hpp"
#include "services/catalogue/sort_key.hpp"

namespace kadenza::services::catalogue {
namespace {

using core::Errc;
using core::Result;

bool has_key(const std::vector<std::pair<std::string, std::string>>& genres, const std::string& key) {
  return std::ranges::any_of(genres, [&](const auto& genre) { return genre.first == key; });
}

/// Adds the genres that the album lacks, as far as there is room.
void unite(std::vector<std::string>& album, const std::vector<std::string>& song) {
  auto known = keyed(album);
  for (auto& [key, name] : keyed(song)) {
    if (has_key(known, key) || album.size() == core::kTagListMax) continue;
    album.push_back(name);
    known.emplace_back(std::move(key), std::move(name));
  }
}

Result<std::vector<std::string>> genres_of(Connection& connection, std::int64_t album) {
  Query query(connection, "SELECT genres FROM albums WHERE position = ?1", album);
  query.step();
  auto genres = decode_texts(query.blob(0));
  if (!genres) return core::fail(Errc::kCorrupted, "an album's row in library.db is damaged");
  return std::move(*genres);
}

}  // namespace

/// What an album's songs say together.
struct AlbumRows::Facts {
  explicit Facts(const std::vector<core::Song>& songs) : count(std::ssize(songs)) {
    const auto& oldest = songs.front();
    title = oldest.tags.album;
    artist_name = oldest.tags.listed_artist();
    newest = songs.back().first_stored.time_since_epoch().count();
    for (const auto& song : songs) {
      duration_ms += song.properties.duration.count();
      year = std::max(year, std::int32_t{song.tags.year});
      if (song.cover && !cover_song) cover_song = song.id;
      unite(genres, song.tags.genres);
    }
  }

  std::int64_t count;
  std::string title, artist_name;
  std::int64_t newest = 0, duration_ms = 0;
  std::int32_t year = 0;
  std::optional<core::SongId> cover_song;
  std::vector<std::string> genres;
};

Result<std::int64_t> AlbumRows::add_song(const StoredSong& song, std::int64_t artist, std::int64_t listed) {
  const auto id = *song.song.album_id();
  std::int64_t album = 0, newest = 0;
  std::vector<std::string> genres;
  {
    Query known(writing_.connection, "SELECT position, newest, genres FROM albums WHERE id = ?1", id);
    if (known.step()) {
      auto decoded = decode_texts(known.blob(2));
      if (!decoded) return core::fail(Errc::kCorrupted, "an album's row in library.db is damaged");
      album = known.integer(0);
      newest = known.integer(1);
      genres = std::move(*decoded);
    }
  }
  if (album == 0) album = create(song, id, listed);
  if (song.stored_ms() > newest) {
    KADENZA_TRY_VOID(append(song, album, std::move(genres)));
  } else {
    unsettled_.emplace(album, Unsettled::kSums);
  }
  if (listed != artist)
    Query(writing_.connection, "INSERT OR IGNORE INTO appearances VALUES (?1, ?2)", artist, album).run();
  return album;
}

void AlbumRows::remove_song(std::int64_t album) {
  unsettled_[album] = Unsettled::kAppearances;
}

std::int64_t AlbumRows::create(const StoredSong& song, const core::AlbumId& id, std::int64_t listed) {
  auto position = song.position;
  while (find_integer(writing_.connection, "SELECT 1 FROM albums WHERE position = ?1", position)) ++position;
  const auto& tags = song.song.tags;
  const std::string artist(tags.listed_artist());
  const auto key = sort_key(tags.album);
  const auto no_genres = encode_texts({});
  Query(writing_.connection,
        "INSERT INTO albums VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, ?10, 0, 0, NULL, 0)", position,
        writing_.change, id, std::int32_t{core::shard_of(id)}, tags.album, artist, listed,
        core::artist_id(artist), std::span(key), std::span(no_genres))
      .run();
  writing_.note_written(RowKind::kAlbum, position);
  artists_.count_album(listed, 1);
  add_to_album_list(writing_.connection, kAllAlbums, position, writing_.albums);
  ++writing_.albums;
  return position;
}

Result<void> AlbumRows::append(const StoredSong& song, std::int64_t album,
                               std::vector<std::string> known_genres) {
  const std::int32_t year = song.song.tags.year;
  Query(writing_.connection,
        "UPDATE albums SET song_count = song_count + 1, duration_ms = duration_ms + ?2, "
        "year = max(year, ?3), newest = ?4, cover_song = coalesce(cover_song, ?5) WHERE position = ?1",
        album, std::int64_t{song.song.properties.duration.count()}, year, song.stored_ms(), song.cover_song())
      .run();
  Query(writing_.connection, "UPDATE album_lists SET newest = ?2, year = max(year, ?3) WHERE album = ?1",
        album, song.stored_ms(), year)
      .run();
  auto genres = known_genres;
  unite(genres, song.song.tags.genres);
  if (genres == known_genres) return {};
  const auto encoded = encode_texts(genres);
  Query(writing_.connection, "UPDATE albums SET genres = ?2 WHERE position = ?1", album, std::span(encoded))
      .run();
  move_genres(album, known_genres, genres);
  return {};
}

Result<void> AlbumRows::settle() {
  for (const auto& [album, what] : unsettled_) KADENZA_TRY_VOID(make_anew(album, what));
  unsettled_.clear();
  return {};
}

Result<void> AlbumRows::make_anew(std::int64_t album, Unsettled what) {
  std::vector<core::Song> songs;
  {
    Query query(writing_.connection, "SELECT " KADENZA_SONG_COLUMNS " FROM songs WHERE album = ?1", album);
    while (query.step()) {
      KADENZA_TRY(auto row, read_song(query));
      songs.push_back(std::move(row.item));
    }
  }
  if (what == Unsettled::kAppearances) {
    Query(writing_.connection, "DELETE FROM appearances WHERE album = ?1", album).run();
    for (const auto& song : songs) {
      if (song.artist_id() == song.listed_artist_id()) continue;
      Query(writing_.connection,
            "INSERT OR IGNORE INTO appearances SELECT position, ?2 FROM artists WHERE id = ?1",
            song.artist_id(), album)
          .run();
    }
  }
  KADENZA_TRY(const auto genres, genres_of(writing_.connection, album));
  if (songs.empty()) {
    move_genres(album, genres, {});
    erase(album);
    return {};
  }
  std::ranges::sort(songs, is_older);
  const Facts facts(songs);
  save(album, facts);
  move_genres(album, genres, facts.genres);
  return {};
}

void AlbumRows::save(std::int64_t album, const Facts& facts) {
  const auto key = sort_key(facts.title);
  const auto genres = encode_texts(facts.genres);
  Query(writing_.connection,
        "UPDATE albums SET seq = ?2 WHERE position = ?1 AND (title, artist_name) <> (?3, ?4)", album,
        writing_.change, facts.title, facts.artist_name)
      .run();
  Query(writing_.connection,
        "UPDATE albums SET title = ?2, artist_name = ?3, title_key = ?4, year = ?5, genres = ?6, "
        "song_count = ?7, duration_ms = ?8, cover_song = ?9, newest = ?10 WHERE position = ?1",
        album, facts.title, facts.artist_name, std::span(key), facts.year, std::span(genres), facts.count,
        facts.duration_ms, facts.cover_song, facts.newest)
      .run();
  Query(writing_.connection, "UPDATE album_lists SET newest = ?2, year = ?3, title_key = ?4 WHERE album = ?1",
        album, facts.newest, facts.year, std::span(key))
      .run();
}

void AlbumRows::move_genres(std::int64_t album, const std::vector<std::string>& before,
                            const std::vector<std::string>& after) {
  const auto old_keys = keyed(before), new_keys = keyed(after);
  for (const auto& [key, name] : old_keys)
    if (!has_key(new_keys, key)) genres_.remove_album(key, album);
  for (const auto& [key, name] : new_keys)
    if (!has_key(old_keys, key)) genres_.add_album(key, album);
}

void AlbumRows::erase(std::int64_t album) {
  if (const auto listed =
          find_integer(writing_.connection, "SELECT artist FROM albums WHERE position = ?1", album)) {
    artists_.count_album(*listed, -1);
  }
  remove_from_album_list(writing_.connection, kAllAlbums, album, writing_.albums);
  Query(writing_.connection, "DELETE FROM albums WHERE position = ?1", album).run();
  writing_.note_removed(RowKind::kAlbum, album);
  --writing_.albums;
}

}  // namespace kadenza::services::catalogue
