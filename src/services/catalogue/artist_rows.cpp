// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/catalogue/artist_rows.hpp"

#include <algorithm>
#include <optional>
#include <string>

#include "core/identity.hpp"
#include "services/catalogue/lists.hpp"
#include "services/catalogue/rows.hpp"
#include "services/catalogue/sort_key.hpp"

namespace kadenza::services::catalogue {

std::int64_t ArtistRows::ensure(const StoredSong& song, std::string_view name, bool listed) {
  const auto id = core::artist_id(name);
  std::int64_t artist = 0;
  bool names_it = false, spelt_otherwise = false;
  {
    Query known(writing_.connection, "SELECT position, name, lead_time, lead FROM artists WHERE id = ?1", id);
    if (!known.step()) return create(song, id, name, listed);
    artist = known.integer(0);
    names_it =
        std::tuple(song.stored_ms(), song.song.id) < std::tuple(known.integer(2), known.id<core::SongId>(3));
    spelt_otherwise = known.text(1) != name;
  }
  if (names_it) {
    Query(writing_.connection, "UPDATE artists SET lead_time = ?2, lead = ?3 WHERE position = ?1", artist,
          song.stored_ms(), song.song.id)
        .run();
    if (spelt_otherwise) rename(artist, name);
  }
  return artist;
}

std::int64_t ArtistRows::create(const StoredSong& song, const core::ArtistId& id, std::string_view name,
                                bool listed) {
  auto position = 2 * song.position + (listed ? 1 : 0);
  while (find_integer(writing_.connection, "SELECT 1 FROM artists WHERE position = ?1", position)) ++position;
  const auto key = sort_key(name);
  Query(writing_.connection,
        "INSERT INTO artists VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, 0, 0, NULL, ?7, ?8, NULL)", position,
        writing_.change, id, std::int32_t{core::shard_of(id)}, std::string(name), std::span(key),
        song.stored_ms(), song.song.id)
      .run();
  writing_.note_written(RowKind::kArtist, position);
  ++writing_.artists;
  return position;
}

void ArtistRows::rename(std::int64_t artist, std::string_view name) {
  const auto key = sort_key(name);
  Query(writing_.connection, "UPDATE artists SET name = ?2, name_key = ?3, seq = ?4 WHERE position = ?1",
        artist, std::string(name), std::span(key), writing_.change)
      .run();
  Query(
      writing_.connection,
      "UPDATE album_lists SET artist_key = ?2 WHERE album IN (SELECT position FROM albums WHERE artist = ?1)",
      artist, std::span(key))
      .run();
}

void ArtistRows::add_song(const StoredSong& song, std::int64_t artist) {
  const auto cover = song.cover_song();
  std::int64_t count = 0;
  {
    Query counted(writing_.connection,
                  "UPDATE artists SET song_count = song_count + 1, newest = max(newest, ?2) "
                  "WHERE position = ?1 RETURNING song_count",
                  artist, song.stored_ms());
    counted.step();
    count = counted.integer(0);
  }
  if (cover) {
    Query(writing_.connection,
          "UPDATE artists SET cover_time = ?2, cover_song = ?3 WHERE position = ?1 "
          "AND (cover_song IS NULL OR (?2, ?3) < (cover_time, cover_song))",
          artist, song.stored_ms(), cover)
        .run();
  }
  add_to_song_list(writing_.connection, songs_of_artist(artist), song, count - 1);
}

void ArtistRows::remove_song(const StoredSong& song, std::int64_t artist) {
  std::int64_t count = 0;
  {
    Query counted(writing_.connection,
                  "UPDATE artists SET song_count = song_count - 1 WHERE position = ?1 "
                  "RETURNING song_count, newest = ?2 OR lead = ?3 OR cover_song IS ?3",
                  artist, song.stored_ms(), song.song.id);
    counted.step();
    count = counted.integer(0);
    if (counted.integer(1) != 0) unsettled_.insert(artist);
  }
  remove_from_song_list(writing_.connection, songs_of_artist(artist), song.position, count + 1);
}

void ArtistRows::count_album(std::int64_t artist, std::int64_t difference) {
  Query(writing_.connection, "UPDATE artists SET album_count = album_count + ?2 WHERE position = ?1", artist,
        difference)
      .run();
}

core::Result<void> ArtistRows::settle() {
  for (const auto artist : unsettled_) {
    if (find_integer(writing_.connection, "SELECT song_count FROM artists WHERE position = ?1", artist) ==
        0) {
      erase(artist);
    } else {
      KADENZA_TRY_VOID(look_again(artist));
    }
  }
  unsettled_.clear();
  return {};
}

core::Result<void> ArtistRows::look_again(std::int64_t artist) {
  std::optional<core::Song> lead, cover;
  std::int64_t newest = 0;
  {
    Query songs(writing_.connection,
                "SELECT " KADENZA_SONG_COLUMNS
                " FROM song_lists CROSS JOIN songs ON songs.position = song_lists.position "
                "WHERE song_lists.list = ?1",
                songs_of_artist(artist));
    while (songs.step()) {
      KADENZA_TRY(auto row, read_song(songs));
      newest = std::max(newest, std::int64_t{row.newest.time_since_epoch().count()});
      if (row.item.cover && (!cover || is_older(row.item, *cover))) cover = row.item;
      if (!lead || is_older(row.item, *lead)) lead = std::move(row.item);
    }
  }
  if (!lead) return core::fail(core::Errc::kCorrupted, "an artist's row in library.db has no songs");
  const auto cover_song = cover ? std::optional(cover->id) : std::nullopt;
  const auto cover_time =
      cover ? std::optional(std::int64_t{cover->first_stored.time_since_epoch().count()}) : std::nullopt;
  Query(writing_.connection,
        "UPDATE artists SET newest = ?2, lead_time = ?3, lead = ?4, cover_time = ?5, cover_song = ?6 "
        "WHERE position = ?1",
        artist, newest, std::int64_t{lead->first_stored.time_since_epoch().count()}, lead->id, cover_time,
        cover_song)
      .run();

  Query shown(writing_.connection, "SELECT id, name FROM artists WHERE position = ?1", artist);
  shown.step();
  const bool by_artist = lead->artist_id() == shown.id<core::ArtistId>(0);
  const std::string name(by_artist ? lead->tags.artist : lead->tags.listed_artist());
  if (shown.text(1) != name) rename(artist, name);
  return {};
}

void ArtistRows::erase(std::int64_t artist) {
  Query(writing_.connection, "DELETE FROM artists WHERE position = ?1", artist).run();
  writing_.note_removed(RowKind::kArtist, artist);
  --writing_.artists;
}

}  // namespace kadenza::services::catalogue
