// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <optional>
#include <string_view>

#include "core/error.hpp"
#include "core/song.hpp"
#include "services/catalogue/catalogue.hpp"
#include "services/catalogue/connection.hpp"

namespace kadenza::services::catalogue {

// The columns that the readers below expect, from the tables songs, albums, artists and genres.
#define KADENZA_SONG_COLUMNS "songs.position, songs.song"
#define KADENZA_ALBUM_COLUMNS                                                                     \
  "albums.position, albums.id, albums.title, albums.artist_name, albums.artist_id, albums.year, " \
  "albums.genres, albums.song_count, albums.duration_ms, albums.cover_song, albums.newest"
#define KADENZA_ARTIST_COLUMNS                                                            \
  "artists.position, artists.id, artists.name, artists.album_count, artists.song_count, " \
  "artists.cover_song, "                                                                  \
  "artists.newest"

// Each reads the row a query stands on; kCorrupted when it is not what this program writes.
core::Result<Row<core::Song>> read_song(const Query& query);
core::Result<Row<core::Album>> read_album(const Query& query);
core::Result<Row<core::Artist>> read_artist(const Query& query);
/// From the columns genre, name, song_count, album_count.
core::Genre read_genre(const Query& query);

/// Nothing when no song has this id.
core::Result<std::optional<core::Song>> find_song(Connection& connection, const core::SongId& id);

/// The number of the last change.
std::uint64_t change_number(Connection& connection);

/// All rows of a query, by one of the readers above.
template <class T>
core::Result<void> read_all(Query& query, core::Result<Row<T>> (*reader)(const Query&),
                            std::vector<Row<T>>& rows) {
  while (query.step()) {
    KADENZA_TRY(auto row, reader(query));
    rows.push_back(std::move(row));
  }
  return {};
}

/// The name by which a genre is found: equal for spellings that differ in case or width only.
std::string genre_key(std::string_view name);

}  // namespace kadenza::services::catalogue
