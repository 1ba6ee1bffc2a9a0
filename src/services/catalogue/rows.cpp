// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/catalogue/rows.hpp"

#include "core/identity.hpp"
#include "services/catalogue/song_codec.hpp"

namespace kadenza::services::catalogue {
namespace {

core::WallTime wall_time(std::int64_t ms) {
  return core::WallTime(std::chrono::milliseconds(ms));
}

std::optional<core::SongId> cover_song(const Query& query, int column) {
  if (query.is_null(column)) return std::nullopt;
  return query.id<core::SongId>(column);
}

}  // namespace

core::Result<Row<core::Song>> read_song(const Query& query) {
  auto song = decode_song(query.blob(1));
  if (!song) return core::fail(core::Errc::kCorrupted, "a song's row in library.db is damaged");
  const auto newest = song->first_stored;
  return Row<core::Song>{static_cast<Position>(query.integer(0)), newest, std::move(*song)};
}

core::Result<std::optional<core::Song>> find_song(Connection& connection, const core::SongId& id) {
  Query query(connection, "SELECT " KADENZA_SONG_COLUMNS " FROM songs WHERE id = ?1", id);
  if (!query.step()) return std::nullopt;
  KADENZA_TRY(auto row, read_song(query));
  return std::move(row.item);
}

std::uint64_t change_number(Connection& connection) {
  Query query(connection, "SELECT value FROM totals WHERE name = 'changes'");
  return query.step() ? static_cast<std::uint64_t>(query.integer(0)) : 0;
}

core::Result<Row<core::Album>> read_album(const Query& query) {
  auto genres = decode_texts(query.blob(6));
  if (!genres) return core::fail(core::Errc::kCorrupted, "an album's row in library.db is damaged");
  Row<core::Album> row{static_cast<Position>(query.integer(0)), wall_time(query.integer(10)), {}};
  auto& album = row.item;
  album.id = query.id<core::AlbumId>(1);
  album.title = query.text(2);
  album.artist = query.text(3);
  album.artist_id = query.id<core::ArtistId>(4);
  album.year = static_cast<std::uint16_t>(query.integer(5));
  album.genres = std::move(*genres);
  album.song_count = static_cast<std::uint32_t>(query.integer(7));
  album.duration = std::chrono::milliseconds(query.integer(8));
  album.cover_song = cover_song(query, 9);
  album.newest = row.newest;
  return row;
}

core::Result<Row<core::Artist>> read_artist(const Query& query) {
  Row<core::Artist> row{static_cast<Position>(query.integer(0)), wall_time(query.integer(6)), {}};
  auto& artist = row.item;
  artist.id = query.id<core::ArtistId>(1);
  artist.name = query.text(2);
  artist.album_count = static_cast<std::uint32_t>(query.integer(3));
  artist.song_count = static_cast<std::uint32_t>(query.integer(4));
  artist.cover_song = cover_song(query, 5);
  return row;
}

core::Genre read_genre(const Query& query) {
  return {query.text(1), static_cast<std::uint32_t>(query.integer(2)),
          static_cast<std::uint32_t>(query.integer(3))};
}

std::string genre_key(std::string_view name) {
  return core::normalise(name);
}

}  // namespace kadenza::services::catalogue
