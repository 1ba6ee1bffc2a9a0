// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/catalogue/row_writer.hpp"

#include <algorithm>
#include <array>
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

// A song's position follows from the second in which it was stored, so that rows which arrive late find
// their place; a burst of uploads takes the seconds that follow. Search gives 30 bits to it.
constexpr std::int64_t kPositionEpochMs = 1'577'836'800'000;  // 2020-01-01 UTC
constexpr std::int64_t kPositionMax = (std::int64_t{1} << 30) - 2;

template <class... Values>
std::optional<std::int64_t> find_integer(Connection& connection, std::string_view sql,
                                         const Values&... values) {
  Query query(connection, sql, values...);
  if (!query.step() || query.is_null(0)) return std::nullopt;
  return query.integer(0);
}

std::optional<core::SongId> cover_song(const core::Song& song) {
  return song.cover ? std::optional(song.id) : std::nullopt;
}

/// An artist's albums and songs are in one shard; see core::album_id.
std::uint8_t shard_of(const core::Song& song) {
  if (const auto album = song.album_id()) return core::shard_of(*album);
  return core::shard_of(song.listed_artist_id());
}

/// Genres by key, each once, without those that normalise to nothing.
std::vector<std::pair<std::string, std::string>> keyed(const std::vector<std::string>& genres) {
  std::vector<std::pair<std::string, std::string>> unique;
  for (const auto& name : genres) {
    auto key = genre_key(name);
    const bool known = std::ranges::any_of(unique, [&](const auto& other) { return other.first == key; });
    if (!key.empty() && !known) unique.emplace_back(std::move(key), name);
  }
  return unique;
}

}  // namespace

RowWriter::RowWriter(Connection& connection) : connection_(connection) {
  const auto total = [&](const std::string& name) {
    return find_integer(connection, "SELECT value FROM totals WHERE name = ?1", name).value_or(0);
  };
  totals_ = {total("songs"),  total("albums"), total("artists"),
             total("genres"), total("bytes"),  total("duration_ms")};
}

void RowWriter::finish() {
  const std::array<std::pair<std::string, std::int64_t>, 6> totals{{{"songs", totals_.songs},
                                                                    {"albums", totals_.albums},
                                                                    {"artists", totals_.artists},
                                                                    {"genres", totals_.genres},
                                                                    {"bytes", totals_.bytes},
                                                                    {"duration_ms", totals_.duration_ms}}};
  for (const auto& [name, value] : totals)
    Query(connection_, "UPDATE totals SET value = ?2 WHERE name = ?1", name, value).run();
}

Result<bool> RowWriter::add(const core::Song& song) {
  if (find_integer(connection_, "SELECT 1 FROM songs WHERE id = ?1", song.id)) return false;
  KADENZA_TRY(const auto position, free_position(song));
  const SongRow row{song, position, sort_key(song.tags.title)};
  ++totals_.songs;
  totals_.bytes += static_cast<std::int64_t>(song.size);
  totals_.duration_ms += song.properties.duration.count();

  const auto artist = add_artist(row, song.tags.artist, false);
  add_to_artist(row, artist);
  const auto listed = add_artist(row, song.tags.listed_artist(), true);
  if (listed != artist) add_to_artist(row, listed);

  std::optional<std::int64_t> album;
  if (song.album_id()) {
    KADENZA_TRY(album, add_to_album(row, listed));
    if (listed != artist)
      Query(connection_, "INSERT OR IGNORE INTO appearances VALUES (?1, ?2)", artist, *album).run();
  }

  const auto encoded = encode_song(song);
  Query(connection_, "INSERT INTO songs VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)", position,
        totals_.songs, song.id, std::int32_t{shard_of(song)}, milliseconds(song.first_stored), album,
        std::int32_t{song.tags.disc}, std::int32_t{song.tags.track}, std::span(row.title_key),
        std::span(encoded))
      .run();
  add_to_list(row, kAllSongs, totals_.songs - 1);
  add_genres(row);
  return true;
}

Result<Position> RowWriter::free_position(const core::Song& song) {
  const auto time = milliseconds(song.first_stored);
  // Older: an earlier time, or the same time and a greater id.
  auto older = find_integer(
      connection_, "SELECT position FROM songs WHERE first_stored = ?1 AND id > ?2 ORDER BY id LIMIT 1", time,
      song.id);
  if (!older) {
    older = find_integer(
        connection_,
        "SELECT position FROM songs WHERE first_stored < ?1 ORDER BY first_stored DESC, id LIMIT 1", time);
  }
  const auto lowest = older.value_or(0) + 1;
  const auto newer = find_integer(
      connection_, "SELECT position FROM songs WHERE position >= ?1 ORDER BY position LIMIT 1", lowest);
  const auto highest = newer.value_or(kPositionMax + 1) - 1;
  if (lowest <= highest) {
    return static_cast<Position>(std::clamp((time - kPositionEpochMs) / 1000, lowest, highest));
  }
  // No room between the neighbours: the next free place is at most a burst of uploads away.
  const auto next =
      find_integer(connection_,
                   "SELECT position + 1 FROM songs AS here WHERE position >= ?1 AND NOT EXISTS "
                   "(SELECT 1 FROM songs WHERE position = here.position + 1) ORDER BY position LIMIT 1",
                   lowest);
  if (!next || *next > kPositionMax)
    return core::fail(Errc::kNoSpace, "the catalogue has no room for further songs");
  return static_cast<Position>(*next);
}

std::int64_t RowWriter::add_artist(const SongRow& row, std::string_view name, bool listed) {
  const auto id = core::artist_id(name);
  if (const auto known = find_integer(connection_, "SELECT position FROM artists WHERE id = ?1", id))
    return *known;
  const auto position = 2 * std::int64_t{row.position} + (listed ? 1 : 0);
  const auto key = sort_key(name);
  Query(connection_, "INSERT INTO artists VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, 0, 0, NULL)", position,
        totals_.songs, id, std::int32_t{core::shard_of(id)}, std::string(name), std::span(key))
      .run();
  ++totals_.artists;
  return position;
}

void RowWriter::add_to_artist(const SongRow& row, std::int64_t artist) {
  const auto cover = cover_song(row.song);
  Query counted(connection_,
                "UPDATE artists SET song_count = song_count + 1, newest = max(newest, ?2), "
                "cover_song = coalesce(cover_song, ?3) WHERE position = ?1 RETURNING song_count",
                artist, milliseconds(row.song.first_stored), cover);
  counted.step();
  add_to_list(row, songs_of_artist(artist), counted.integer(0) - 1);
}

Result<std::int64_t> RowWriter::add_to_album(const SongRow& row, std::int64_t listed_artist) {
  const auto id = *row.song.album_id();
  AlbumRow album{};
  Query known(connection_, "SELECT position, genres FROM albums WHERE id = ?1", id);
  if (known.step()) {
    auto genres = decode_texts(known.blob(1));
    if (!genres) return core::fail(Errc::kCorrupted, "an album's row in library.db is damaged");
    album = {known.integer(0), std::move(*genres)};
  } else {
    album = create_album(row, id, listed_artist);
  }
  update_album(row, album.position);
  const auto position = album.position;
  add_album_genres(row, std::move(album));
  return position;
}

RowWriter::AlbumRow RowWriter::create_album(const SongRow& row, const core::AlbumId& id,
                                            std::int64_t listed_artist) {
  const auto& tags = row.song.tags;
  const std::string artist(tags.listed_artist());
  const auto key = sort_key(tags.album);
  const auto no_genres = encode_texts({});
  Query(connection_, "INSERT INTO albums VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, ?10, 0, 0, NULL, 0)",
        row.position, totals_.songs, id, std::int32_t{core::shard_of(id)}, tags.album, artist, listed_artist,
        core::artist_id(artist), std::span(key), std::span(no_genres))
      .run();
  Query(connection_, "UPDATE artists SET album_count = album_count + 1 WHERE position = ?1", listed_artist)
      .run();
  add_to_album_list(kAllAlbums, row.position, totals_.albums);
  ++totals_.albums;
  return {row.position, {}};
}

void RowWriter::update_album(const SongRow& row, std::int64_t album) {
  const auto& song = row.song;
  Query(
      connection_,
      "UPDATE albums SET song_count = song_count + 1, duration_ms = duration_ms + ?2, year = max(year, ?3), "
      "newest = max(newest, ?4), cover_song = coalesce(cover_song, ?5) WHERE position = ?1",
      album, std::int64_t{song.properties.duration.count()}, std::int32_t{song.tags.year},
      milliseconds(song.first_stored), cover_song(song))
      .run();
  Query(connection_, "UPDATE album_lists SET newest = max(newest, ?2), year = max(year, ?3) WHERE album = ?1",
        album, milliseconds(song.first_stored), std::int32_t{song.tags.year})
      .run();
}

void RowWriter::add_album_genres(const SongRow& row, AlbumRow album) {
  const auto before = album.genres.size();
  const auto known = keyed(album.genres);
  for (const auto& [key, name] : keyed(row.song.tags.genres)) {
    const bool has = std::ranges::any_of(known, [&](const auto& genre) { return genre.first == key; });
    if (has || album.genres.size() == core::kTagListMax) continue;
    const auto genre = genre_number(key, name);
    Query counted(connection_,
                  "UPDATE genres SET album_count = album_count + 1 WHERE genre = ?1 RETURNING album_count",
                  genre);
    counted.step();
    add_to_album_list(genre, album.position, counted.integer(0) - 1);
    album.genres.push_back(name);
  }
  if (album.genres.size() == before) return;
  const auto encoded = encode_texts(album.genres);
  Query(connection_, "UPDATE albums SET genres = ?2 WHERE position = ?1", album.position, std::span(encoded))
      .run();
}

void RowWriter::add_genres(const SongRow& row) {
  for (const auto& [key, name] : keyed(row.song.tags.genres)) {
    const auto genre = genre_number(key, name);
    Query counted(connection_,
                  "UPDATE genres SET song_count = song_count + 1 WHERE genre = ?1 RETURNING song_count",
                  genre);
    counted.step();
    add_to_list(row, songs_of_genre(genre), counted.integer(0) - 1);
  }
}

std::int64_t RowWriter::genre_number(const std::string& key, const std::string& name) {
  if (const auto known = find_integer(connection_, "SELECT genre FROM genres WHERE key = ?1", key))
    return *known;
  const auto name_key = sort_key(name);
  ++totals_.genres;
  Query(connection_, "INSERT INTO genres VALUES (?1, ?2, ?3, ?4, 0, 0)", totals_.genres, key, name,
        std::span(name_key))
      .run();
  return totals_.genres;
}

void RowWriter::add_to_list(const SongRow& row, std::int64_t list, std::int64_t ordinal) {
  Query(connection_, "INSERT INTO song_lists VALUES (?1, ?2, ?3, ?4)", list, row.position, ordinal,
        std::span(row.title_key))
      .run();
}

void RowWriter::add_to_album_list(std::int64_t genre, std::int64_t album, std::int64_t ordinal) {
  Query(
      connection_,
      "INSERT INTO album_lists SELECT ?1, albums.position, ?3, albums.newest, albums.year, albums.title_key, "
      "artists.name_key FROM albums JOIN artists ON artists.position = albums.artist WHERE albums.position = "
      "?2",
      genre, album, ordinal)
      .run();
}

}  // namespace kadenza::services::catalogue
