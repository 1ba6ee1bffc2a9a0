// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/song.hpp"
#include "services/catalogue/connection.hpp"

namespace kadenza::services::catalogue {

/// The kinds of rows that search knows, as removed_rows numbers them.
enum class RowKind : std::int32_t { kSong = 0, kAlbum = 1, kArtist = 2 };

/// What the tables' writers share within one transaction: the sums over the whole catalogue, and the number
/// of the change that is being written.
struct Writing {
  explicit Writing(Connection& within);
  void save_totals();

  /// Search forgets the row at `position`, unless another one takes the place.
  void note_removed(RowKind kind, std::int64_t position);
  void note_written(RowKind kind, std::int64_t position);

  Connection& connection;
  std::int64_t songs = 0, albums = 0, artists = 0, genres = 0, bytes = 0, duration_ms = 0, change = 0;
};

/// A song with its place in the catalogue.
struct StoredSong {
  StoredSong(const core::Song& given, std::int64_t at);
  std::int64_t stored_ms() const { return song.first_stored.time_since_epoch().count(); }
  std::optional<core::SongId> cover_song() const;

  const core::Song& song;
  std::int64_t position;
  std::vector<std::uint8_t> title_key;
};

/// Whether a was stored before b: the oldest song says how an artist, an album and a genre are written, so
/// that all nodes write them in the same way, whatever the order in which the rows came.
bool is_older(const core::Song& a, const core::Song& b);

template <class... Values>
std::optional<std::int64_t> find_integer(Connection& connection, std::string_view sql,
                                         const Values&... values) {
  Query query(connection, sql, values...);
  if (!query.step() || query.is_null(0)) return std::nullopt;
  return query.integer(0);
}

// Members of a list have ordinals 0 … size − 1; the last one takes the place of one that goes.
void add_to_song_list(Connection& connection, std::int64_t list, const StoredSong& song,
                      std::int64_t ordinal);
void remove_from_song_list(Connection& connection, std::int64_t list, std::int64_t position,
                           std::int64_t size);
void add_to_album_list(Connection& connection, std::int64_t genre, std::int64_t album, std::int64_t ordinal);
void remove_from_album_list(Connection& connection, std::int64_t genre, std::int64_t album,
                            std::int64_t size);

}  // namespace kadenza::services::catalogue
