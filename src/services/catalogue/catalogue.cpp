// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/catalogue/catalogue.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "services/catalogue/page_filler.hpp"
#include "services/catalogue/row_version.hpp"
#include "services/catalogue/row_writer.hpp"
#include "services/catalogue/rows.hpp"
#include "services/catalogue/writing.hpp"

namespace kadenza::services::catalogue {
namespace {

using core::Errc;
using core::Page;
using core::Result;

// An album's songs and an artist's albums come in one piece; a hostile uploader must not make that piece
// huge.
constexpr std::int64_t kDetailRowsMax = 10'000;

/// Empties `rows` into plain items; true when there may be more than kDetailRowsMax.
template <class T>
bool take_items(std::vector<Row<T>>&& rows, std::vector<T>& items) {
  for (auto& row : rows) items.push_back(std::move(row.item));
  return std::ssize(rows) == kDetailRowsMax;
}

template <class T>
Result<void> rows_at(Connection& connection, std::string_view sql, std::span<const Position> positions,
                     Result<Row<T>> (*reader)(const Query&), std::vector<Row<T>>& rows) {
  rows.reserve(positions.size());
  for (const auto position : positions) {
    Query query(connection, sql, position);
    KADENZA_TRY_VOID(read_all(query, reader, rows));
  }
  return {};
}

/// Where rows of a kind went between two changes.
std::vector<Position> removed(Connection& connection, RowKind kind, std::uint64_t after, std::uint64_t last) {
  std::vector<Position> positions;
  Query query(connection, "SELECT position FROM removed_rows WHERE seq > ?1 AND seq <= ?2 AND kind = ?3",
              after, last, std::to_underlying(kind));
  while (query.step()) positions.push_back(static_cast<Position>(query.integer(0)));
  return positions;
}

}  // namespace

Result<Catalogue::Merged> Catalogue::merge(Transaction& transaction, std::span<const core::Song> songs) {
  auto& connection = transaction.connection();
  RowWriter writer(connection);
  Merged merged;
  for (const auto& song : songs) {
    KADENZA_TRY(auto there, find_song(connection, song.id));
    if (!there) {
      KADENZA_TRY_VOID(writer.add(song));
      ++merged.added;
    } else if (wins_over(song, *there)) {
      KADENZA_TRY_VOID(writer.remove(*there));
      KADENZA_TRY_VOID(writer.add(song));
      merged.superseded.push_back(std::move(*there));
    } else if (wins_over(*there, song)) {
      merged.stale.push_back(std::move(*there));
    }
  }
  if (merged.changed()) KADENZA_TRY_VOID(writer.finish());
  return merged;
}

Result<Catalogue::Merged> Catalogue::merge(std::span<const core::Song> songs) {
  Merged merged;
  KADENZA_TRY_VOID(database_.write([&](Transaction& transaction) -> Result<void> {
    KADENZA_TRY(merged, merge(transaction, songs));
    return {};
  }));
  return merged;
}

Result<core::Song> Catalogue::song(core::SongId id) const {
  return database_.read([&](Connection& connection) -> Result<core::Song> {
    KADENZA_TRY(auto song, find_song(connection, id));
    if (!song) return core::fail(Errc::kNotFound, fmt::format("there is no song {}", id.text()));
    return std::move(*song);
  });
}

Result<core::AlbumDetail> Catalogue::album(core::AlbumId id) const {
  return database_.read([&](Connection& connection) -> Result<core::AlbumDetail> {
    core::AlbumDetail detail;
    Query album(connection, "SELECT " KADENZA_ALBUM_COLUMNS " FROM albums WHERE id = ?1", id);
    if (!album.step()) return core::fail(Errc::kNotFound, "no album has this id");
    KADENZA_TRY(auto row, read_album(album));
    detail.album = std::move(row.item);

    Query query(connection,
                "SELECT " KADENZA_SONG_COLUMNS
                " FROM songs WHERE album = ?1 ORDER BY disc, track, title_key LIMIT ?2",
                row.position, kDetailRowsMax);
    std::vector<Row<core::Song>> songs;
    KADENZA_TRY_VOID(read_all(query, read_song, songs));
    detail.partial = take_items(std::move(songs), detail.songs);
    return detail;
  });
}

Result<Page<core::Artist>> Catalogue::artists(const core::PageRequest& request) const {
  KADENZA_TRY_VOID(check_limit(request));
  constexpr std::string_view kList = "artists";
  return database_.read([&](Connection& connection) -> Result<Page<core::Artist>> {
    Page<core::Artist> page;
    std::vector<std::uint8_t> key;
    std::int64_t position = 0;
    if (!request.cursor.empty()) {
      KADENZA_TRY(const auto cursor, Cursor::parse(request.cursor, kList));
      const core::ArtistId id{cursor.id};
      Query last(connection, "SELECT name_key, position FROM artists WHERE id = ?1", id);
      if (!last.step())
        return core::fail(Errc::kInvalidArgument, "the cursor names an artist who is not here");
      key.assign(last.blob(0).begin(), last.blob(0).end());
      position = last.integer(1);
    }
    Query query(connection,
                "SELECT " KADENZA_ARTIST_COLUMNS
                " FROM artists WHERE (name_key, position) > (?1, ?2) ORDER BY name_key, position",
                std::span(key), position);
    PageFiller<core::Artist> filler(kList, request.limit);
    bool more = query.step();
    for (; more && !filler.full(); more = query.step()) {
      KADENZA_TRY(auto row, read_artist(query));
      const Cursor here{.value = 0, .id = row.item.id.bytes};
      filler.take(std::move(row.item), here);
    }
    page = filler.finish(more);
    return page;
  });
}

Result<core::ArtistDetail> Catalogue::artist(core::ArtistId id) const {
  return database_.read([&](Connection& connection) -> Result<core::ArtistDetail> {
    core::ArtistDetail detail;
    Query artist(connection, "SELECT " KADENZA_ARTIST_COLUMNS " FROM artists WHERE id = ?1", id);
    if (!artist.step()) return core::fail(Errc::kNotFound, "no artist has this id");
    KADENZA_TRY(auto row, read_artist(artist));
    detail.artist = std::move(row.item);

    std::vector<Row<core::Album>> own, others;
    Query listed(connection,
                 "SELECT " KADENZA_ALBUM_COLUMNS
                 " FROM albums WHERE artist = ?1 ORDER BY year DESC, title_key LIMIT ?2",
                 row.position, kDetailRowsMax);
    KADENZA_TRY_VOID(read_all(listed, read_album, own));
    Query appears(connection,
                  "SELECT " KADENZA_ALBUM_COLUMNS
                  " FROM appearances CROSS JOIN albums ON albums.position = appearances.album "
                  "WHERE appearances.artist = ?1 ORDER BY appearances.album DESC LIMIT ?2",
                  row.position, kDetailRowsMax);
    KADENZA_TRY_VOID(read_all(appears, read_album, others));
    const bool more_own = take_items(std::move(own), detail.albums);
    const bool more_others = take_items(std::move(others), detail.appears_on);
    detail.partial = more_own || more_others;
    return detail;
  });
}

Result<Page<core::Genre>> Catalogue::genres(const core::PageRequest& request) const {
  KADENZA_TRY_VOID(check_limit(request));
  constexpr std::string_view kList = "genres";
  return database_.read([&](Connection& connection) -> Result<Page<core::Genre>> {
    Page<core::Genre> page;
    std::vector<std::uint8_t> key;
    std::int64_t number = 0;
    if (!request.cursor.empty()) {
      KADENZA_TRY(const auto cursor, Cursor::parse(request.cursor, kList));
      number = static_cast<std::int64_t>(cursor.value);
      Query last(connection, "SELECT name_key FROM genres WHERE genre = ?1", number);
      if (!last.step())
        return core::fail(Errc::kInvalidArgument, "the cursor names a genre that is not here");
      key.assign(last.blob(0).begin(), last.blob(0).end());
    }
    Query query(connection,
                "SELECT genre, name, song_count, album_count FROM genres WHERE (name_key, genre) > (?1, ?2) "
                "ORDER BY name_key, genre",
                std::span(key), number);
    PageFiller<core::Genre> filler(kList, request.limit);
    bool more = query.step();
    for (; more && !filler.full(); more = query.step())
      filler.take(read_genre(query), Cursor{.value = static_cast<std::uint64_t>(query.integer(0)), .id = {}});
    page = filler.finish(more);
    return page;
  });
}

Result<core::Genre> Catalogue::genre(std::string_view name) const {
  const auto key = genre_key(name);
  return database_.read([&](Connection& connection) -> Result<core::Genre> {
    Query query(connection, "SELECT genre, name, song_count, album_count FROM genres WHERE key = ?1", key);
    if (!query.step()) return core::fail(Errc::kNotFound, "no song has this genre");
    return read_genre(query);
  });
}

Result<core::LibraryTotals> Catalogue::totals() const {
  return database_.read([&](Connection& connection) -> Result<core::LibraryTotals> {
    core::LibraryTotals totals;
    Query query(connection, "SELECT name, value FROM totals");
    while (query.step()) {
      const auto name = query.text(0);
      const auto value = static_cast<std::uint64_t>(query.integer(1));
      if (name == "songs") totals.songs = value;
      if (name == "albums") totals.albums = value;
      if (name == "artists") totals.artists = value;
      if (name == "genres") totals.genres = value;
      if (name == "bytes") totals.bytes = value;
      if (name == "duration_ms") totals.duration = std::chrono::milliseconds(value);
    }
    return totals;
  });
}

Result<Changes> Catalogue::changes(std::uint64_t after, std::size_t limit) const {
  return database_.read([&](Connection& connection) -> Result<Changes> {
    Changes changes;
    changes.last = after;
    Query songs(connection,
                "SELECT " KADENZA_SONG_COLUMNS ", songs.seq FROM songs WHERE seq > ?1 ORDER BY seq LIMIT ?2",
                after, std::uint64_t{limit});
    while (songs.step()) {
      KADENZA_TRY(auto row, read_song(songs));
      changes.songs.push_back(std::move(row));
      changes.last = static_cast<std::uint64_t>(songs.integer(2));
    }
    if (changes.songs.size() < limit) changes.last = std::max(after, change_number(connection));
    Query albums(connection, "SELECT " KADENZA_ALBUM_COLUMNS " FROM albums WHERE seq > ?1 AND seq <= ?2",
                 after, changes.last);
    KADENZA_TRY_VOID(read_all(albums, read_album, changes.albums));
    Query artists(connection, "SELECT " KADENZA_ARTIST_COLUMNS " FROM artists WHERE seq > ?1 AND seq <= ?2",
                  after, changes.last);
    KADENZA_TRY_VOID(read_all(artists, read_artist, changes.artists));
    changes.removed = {removed(connection, RowKind::kSong, after, changes.last),
                       removed(connection, RowKind::kAlbum, after, changes.last),
                       removed(connection, RowKind::kArtist, after, changes.last)};
    return changes;
  });
}

Result<std::uint64_t> Catalogue::last_change() const {
  return database_.read(
      [&](Connection& connection) -> Result<std::uint64_t> { return change_number(connection); });
}

Result<Catalogue::Rows> Catalogue::rows(std::span<const Position> songs, std::span<const Position> albums,
                                        std::span<const Position> artists) const {
  return database_.read([&](Connection& connection) -> Result<Rows> {
    Rows rows;
    KADENZA_TRY_VOID(rows_at(connection, "SELECT " KADENZA_SONG_COLUMNS " FROM songs WHERE position = ?1",
                             songs, read_song, rows.songs));
    KADENZA_TRY_VOID(rows_at(connection, "SELECT " KADENZA_ALBUM_COLUMNS " FROM albums WHERE position = ?1",
                             albums, read_album, rows.albums));
    KADENZA_TRY_VOID(rows_at(connection, "SELECT " KADENZA_ARTIST_COLUMNS " FROM artists WHERE position = ?1",
                             artists, read_artist, rows.artists));
    return rows;
  });
}

Result<Position> Catalogue::position_of(core::WallTime first_stored, core::SongId id) const {
  const std::int64_t time = first_stored.time_since_epoch().count();
  return database_.read([&](Connection& connection) -> Result<Position> {
    Position position = 0;
    Query same(connection,
               "SELECT position FROM songs WHERE first_stored = ?1 AND id >= ?2 ORDER BY id LIMIT 1", time,
               id);
    Query older(connection,
                "SELECT position FROM songs WHERE first_stored < ?1 ORDER BY first_stored DESC, id LIMIT 1",
                time);
    if (same.step()) {
      position = static_cast<Position>(same.integer(0));
    } else if (older.step()) {
      position = static_cast<Position>(older.integer(0));
    }
    return position;
  });
}

}  // namespace kadenza::services::catalogue
