// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/catalogue/genre_rows.hpp"

#include <algorithm>
#include <optional>

#include "services/catalogue/lists.hpp"
#include "services/catalogue/rows.hpp"
#include "services/catalogue/sort_key.hpp"

namespace kadenza::services::catalogue {

std::vector<std::pair<std::string, std::string>> keyed(const std::vector<std::string>& genres) {
  std::vector<std::pair<std::string, std::string>> unique;
  for (const auto& name : genres) {
    auto key = genre_key(name);
    const bool known = std::ranges::any_of(unique, [&](const auto& other) { return other.first == key; });
    if (!key.empty() && !known) unique.emplace_back(std::move(key), name);
  }
  return unique;
}

void GenreRows::add_song(const StoredSong& song) {
  for (const auto& [key, name] : keyed(song.song.tags.genres)) {
    const auto genre = ensure(song, key, name);
    Query counted(writing_.connection,
                  "UPDATE genres SET song_count = song_count + 1 WHERE genre = ?1 RETURNING song_count",
                  genre);
    counted.step();
    add_to_song_list(writing_.connection, songs_of_genre(genre), song, counted.integer(0) - 1);
  }
}

void GenreRows::remove_song(const StoredSong& song) {
  for (const auto& [key, name] : keyed(song.song.tags.genres)) {
    const auto genre = number(key);
    Query counted(writing_.connection,
                  "UPDATE genres SET song_count = song_count - 1 WHERE genre = ?1 "
                  "RETURNING song_count, lead = ?2",
                  genre, song.song.id);
    counted.step();
    if (counted.integer(1) != 0) unsettled_.insert(genre);
    remove_from_song_list(writing_.connection, songs_of_genre(genre), song.position, counted.integer(0) + 1);
  }
}

void GenreRows::add_album(const std::string& key, std::int64_t album) {
  const auto genre = number(key);
  Query counted(writing_.connection,
                "UPDATE genres SET album_count = album_count + 1 WHERE genre = ?1 RETURNING album_count",
                genre);
  counted.step();
  add_to_album_list(writing_.connection, genre, album, counted.integer(0) - 1);
}

void GenreRows::remove_album(const std::string& key, std::int64_t album) {
  const auto genre = number(key);
  Query counted(writing_.connection,
                "UPDATE genres SET album_count = album_count - 1 WHERE genre = ?1 RETURNING album_count",
                genre);
  counted.step();
  remove_from_album_list(writing_.connection, genre, album, counted.integer(0) + 1);
}

std::int64_t GenreRows::ensure(const StoredSong& song, const std::string& key, const std::string& name) {
  {
    Query known(writing_.connection, "SELECT genre, name, lead_time, lead FROM genres WHERE key = ?1", key);
    if (known.step()) {
      const auto genre = known.integer(0);
      if (std::tuple(song.stored_ms(), song.song.id) <
          std::tuple(known.integer(2), known.id<core::SongId>(3))) {
        const auto name_key = sort_key(name);
        Query(writing_.connection,
              "UPDATE genres SET name = ?2, name_key = ?3, lead_time = ?4, lead = ?5 WHERE genre = ?1", genre,
              name, std::span(name_key), song.stored_ms(), song.song.id)
            .run();
      }
      return genre;
    }
  }
  const auto name_key = sort_key(name);
  Query(writing_.connection, "INSERT INTO genres VALUES (NULL, ?1, ?2, ?3, 0, 0, ?4, ?5)", key, name,
        std::span(name_key), song.stored_ms(), song.song.id)
      .run();
  ++writing_.genres;
  return number(key);
}

std::int64_t GenreRows::number(const std::string& key) {
  return find_integer(writing_.connection, "SELECT genre FROM genres WHERE key = ?1", key).value_or(0);
}

core::Result<void> GenreRows::settle() {
  for (const auto genre : unsettled_) {
    if (find_integer(writing_.connection, "SELECT song_count FROM genres WHERE genre = ?1", genre) == 0) {
      Query(writing_.connection, "DELETE FROM genres WHERE genre = ?1", genre).run();
      --writing_.genres;
    } else {
      KADENZA_TRY_VOID(look_again(genre));
    }
  }
  unsettled_.clear();
  return {};
}

core::Result<void> GenreRows::look_again(std::int64_t genre) {
  std::optional<core::Song> lead;
  {
    Query songs(writing_.connection,
                "SELECT " KADENZA_SONG_COLUMNS
                " FROM song_lists CROSS JOIN songs ON songs.position = song_lists.position "
                "WHERE song_lists.list = ?1",
                songs_of_genre(genre));
    while (songs.step()) {
      KADENZA_TRY(auto row, read_song(songs));
      if (!lead || is_older(row.item, *lead)) lead = std::move(row.item);
    }
  }
  if (!lead) return core::fail(core::Errc::kCorrupted, "a genre's row in library.db has no songs");
  for (const auto& [key, name] : keyed(lead->tags.genres)) {
    const auto name_key = sort_key(name);
    Query(writing_.connection,
          "UPDATE genres SET name = ?2, name_key = ?3, lead_time = ?4, lead = ?5 "
          "WHERE genre = ?1 AND key = ?6",
          genre, name, std::span(name_key), std::int64_t{lead->first_stored.time_since_epoch().count()},
          lead->id, key)
        .run();
  }
  return {};
}

}  // namespace kadenza::services::catalogue
