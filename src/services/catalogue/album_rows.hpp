// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "services/catalogue/artist_rows.hpp"
#include "services/catalogue/genre_rows.hpp"
#include "services/catalogue/writing.hpp"

namespace kadenza::services::catalogue {

/// Keeps the table of albums and what follows from it: lists, and appearances of artists on albums of
/// others. A song that is newer than the album's others adds to the album's row; after any other change
/// settle() makes the row anew from all songs of the album, once for all changes of a transaction.
class AlbumRows {
 public:
  AlbumRows(Writing& writing, ArtistRows& artists, GenreRows& genres)
      : writing_(writing), artists_(artists), genres_(genres) {}

  /// The position of the song's album; a new one gets a row. The song's genres must have theirs.
  core::Result<std::int64_t> add_song(const StoredSong& song, std::int64_t artist, std::int64_t listed);
  void remove_song(std::int64_t album);

  core::Result<void> settle();

 private:
  enum class Unsettled : std::uint8_t { kSums, kAppearances };
  struct Facts;

  std::int64_t create(const StoredSong& song, const core::AlbumId& id, std::int64_t listed);
  core::Result<void> append(const StoredSong& song, std::int64_t album,
                            std::vector<std::string> known_genres);
  core::Result<void> make_anew(std::int64_t album, Unsettled what);
  void save(std::int64_t album, const Facts& facts);
  void move_genres(std::int64_t album, const std::vector<std::string>& before,
                   const std::vector<std::string>& after);
  void erase(std::int64_t album);

  Writing& writing_;
  ArtistRows& artists_;
  GenreRows& genres_;
  std::map<std::int64_t, Unsettled> unsettled_;
};

}  // namespace kadenza::services::catalogue
