// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/song.hpp"
#include "services/catalogue/catalogue.hpp"
#include "services/catalogue/connection.hpp"

namespace kadenza::services::catalogue {

/// Adds songs to the catalogue's tables, with all the sums and counts that follow from them. Lives within
/// one transaction; finish() must be its last call.
class RowWriter {
 public:
  explicit RowWriter(Connection& connection);

  /// False when the song is there already.
  core::Result<bool> add(const core::Song& song);
  void finish();

 private:
  struct SongRow {
    const core::Song& song;
    Position position;
    std::vector<std::uint8_t> title_key;
  };
  struct AlbumRow {
    std::int64_t position;
    std::vector<std::string> genres;
  };

  core::Result<Position> free_position(const core::Song& song);
  std::int64_t add_artist(const SongRow& row, std::string_view name, bool listed);
  void add_to_artist(const SongRow& row, std::int64_t artist);
  core::Result<std::int64_t> add_to_album(const SongRow& row, std::int64_t listed_artist);
  AlbumRow create_album(const SongRow& row, const core::AlbumId& id, std::int64_t listed_artist);
  void update_album(const SongRow& row, std::int64_t album);
  void add_album_genres(const SongRow& row, AlbumRow album);
  void add_genres(const SongRow& row);
  std::int64_t genre_number(const std::string& key, const std::string& name);
  void add_to_list(const SongRow& row, std::int64_t list, std::int64_t ordinal);
  void add_to_album_list(std::int64_t genre, std::int64_t album, std::int64_t ordinal);

  Connection& connection_;
  struct Totals {
    std::int64_t songs = 0, albums = 0, artists = 0, genres = 0, bytes = 0, duration_ms = 0;
  } totals_;
};

}  // namespace kadenza::services::catalogue
