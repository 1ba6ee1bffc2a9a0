// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/catalogue/writing.hpp"

#include <array>
#include <string>
#include <tuple>
#include <utility>

#include "services/catalogue/sort_key.hpp"

namespace kadenza::services::catalogue {
namespace {

constexpr std::array<std::pair<const char*, std::int64_t Writing::*>, 7> kTotals{
    {{"songs", &Writing::songs},
     {"albums", &Writing::albums},
     {"artists", &Writing::artists},
     {"genres", &Writing::genres},
     {"bytes", &Writing::bytes},
     {"duration_ms", &Writing::duration_ms},
     {"changes", &Writing::change}}};

}  // namespace

Writing::Writing(Connection& within) : connection(within) {
  for (const auto& [name, total] : kTotals) {
    const std::string key = name;
    this->*total = find_integer(connection, "SELECT value FROM totals WHERE name = ?1", key).value_or(0);
  }
}

void Writing::save_totals() {
  for (const auto& [name, total] : kTotals) {
    const std::string key = name;
    Query(connection, "UPDATE totals SET value = ?2 WHERE name = ?1", key, this->*total).run();
  }
}

void Writing::note_removed(RowKind kind, std::int64_t position) {
  Query(connection, "INSERT OR REPLACE INTO removed_rows VALUES (?1, ?2, ?3)", std::to_underlying(kind),
        position, change)
      .run();
}

void Writing::note_written(RowKind kind, std::int64_t position) {
  Query(connection, "DELETE FROM removed_rows WHERE kind = ?1 AND position = ?2", std::to_underlying(kind),
        position)
      .run();
}

StoredSong::StoredSong(const core::Song& given, std::int64_t at)
    : song(given), position(at), title_key(sort_key(given.tags.title)) {}

std::optional<core::SongId> StoredSong::cover_song() const {
  return song.cover ? std::optional(song.id) : std::nullopt;
}

bool is_older(const core::Song& a, const core::Song& b) {
  return std::tie(a.first_stored, a.id) < std::tie(b.first_stored, b.id);
}

void add_to_song_list(Connection& connection, std::int64_t list, const StoredSong& song,
                      std::int64_t ordinal) {
  Query(connection, "INSERT INTO song_lists VALUES (?1, ?2, ?3, ?4)", list, song.position, ordinal,
        std::span(song.title_key))
      .run();
}

void remove_from_song_list(Connection& connection, std::int64_t list, std::int64_t position,
                           std::int64_t size) {
  const auto gap = find_integer(
      connection, "SELECT ordinal FROM song_lists WHERE list = ?1 AND position = ?2", list, position);
  Query(connection, "DELETE FROM song_lists WHERE list = ?1 AND position = ?2", list, position).run();
  Query(connection, "UPDATE song_lists SET ordinal = ?2 WHERE list = ?1 AND ordinal = ?3", list, gap,
        size - 1)
      .run();
}

void add_to_album_list(Connection& connection, std::int64_t genre, std::int64_t album, std::int64_t ordinal) {
  Query(
      connection,
      "INSERT INTO album_lists SELECT ?1, albums.position, ?3, albums.newest, albums.year, albums.title_key, "
      "artists.name_key FROM albums JOIN artists ON artists.position = albums.artist WHERE albums.position = "
      "?2",
      genre, album, ordinal)
      .run();
}

void remove_from_album_list(Connection& connection, std::int64_t genre, std::int64_t album,
                            std::int64_t size) {
  const auto gap = find_integer(connection, "SELECT ordinal FROM album_lists WHERE genre = ?1 AND album = ?2",
                                genre, album);
  Query(connection, "DELETE FROM album_lists WHERE genre = ?1 AND album = ?2", genre, album).run();
  Query(connection, "UPDATE album_lists SET ordinal = ?2 WHERE genre = ?1 AND ordinal = ?3", genre, gap,
        size - 1)
      .run();
}

}  // namespace kadenza::services::catalogue
