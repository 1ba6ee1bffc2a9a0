// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/catalogue/schema.hpp"

#include <array>

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Transaction.h>
#include <fmt/format.h>

namespace kadenza::services::catalogue {
namespace {

// What each column means is in docs/formats/library-db.md. Once released, a step never changes: a later
// version appends one.
constexpr std::array<const char*, 2> kSteps{R"sql(
CREATE TABLE meta(key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('identity', randomblob(16));
CREATE TABLE totals(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO totals VALUES ('songs', 0), ('albums', 0), ('artists', 0), ('genres', 0), ('bytes', 0),
                          ('duration_ms', 0), ('records', 0), ('record_bytes', 0);

CREATE TABLE records(
  record INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, audio BLOB NOT NULL, cover BLOB, song BLOB NOT NULL,
  chunks BLOB NOT NULL);
CREATE INDEX records_by_audio ON records(audio);
CREATE INDEX records_by_cover ON records(cover) WHERE cover IS NOT NULL;
CREATE TABLE derived(record INTEGER PRIMARY KEY, facts BLOB NOT NULL);
CREATE TABLE unanalysed(record INTEGER PRIMARY KEY);

CREATE TABLE songs(
  position INTEGER PRIMARY KEY, seq INTEGER NOT NULL UNIQUE, id BLOB NOT NULL UNIQUE, shard INTEGER NOT NULL,
  first_stored INTEGER NOT NULL, album INTEGER, disc INTEGER NOT NULL, track INTEGER NOT NULL,
  title_key BLOB NOT NULL, song BLOB NOT NULL);
CREATE INDEX songs_by_time ON songs(first_stored, id DESC);
CREATE INDEX songs_of_album ON songs(album, disc, track, title_key) WHERE album IS NOT NULL;

CREATE TABLE artists(
  position INTEGER PRIMARY KEY, seq INTEGER NOT NULL, id BLOB NOT NULL UNIQUE, shard INTEGER NOT NULL,
  name TEXT NOT NULL, name_key BLOB NOT NULL, newest INTEGER NOT NULL, album_count INTEGER NOT NULL,
  song_count INTEGER NOT NULL, cover_song BLOB);
CREATE INDEX artists_by_seq ON artists(seq);
CREATE INDEX artists_by_name ON artists(name_key);

CREATE TABLE albums(
  position INTEGER PRIMARY KEY, seq INTEGER NOT NULL, id BLOB NOT NULL UNIQUE, shard INTEGER NOT NULL,
  title TEXT NOT NULL, artist_name TEXT NOT NULL, artist INTEGER NOT NULL, artist_id BLOB NOT NULL,
  title_key BLOB NOT NULL, year INTEGER NOT NULL, genres BLOB NOT NULL, song_count INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL, cover_song BLOB, newest INTEGER NOT NULL);
CREATE INDEX albums_by_seq ON albums(seq);
CREATE INDEX albums_of_artist ON albums(artist, year DESC, title_key);

CREATE TABLE genres(
  genre INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, name TEXT NOT NULL, name_key BLOB NOT NULL,
  song_count INTEGER NOT NULL, album_count INTEGER NOT NULL);
CREATE INDEX genres_by_name ON genres(name_key);

CREATE TABLE song_lists(
  list INTEGER NOT NULL, position INTEGER NOT NULL, ordinal INTEGER NOT NULL, title_key BLOB NOT NULL,
  PRIMARY KEY(list, position)) WITHOUT ROWID;
CREATE INDEX song_lists_random ON song_lists(list, ordinal);
CREATE INDEX song_lists_title ON song_lists(list, title_key);

CREATE TABLE album_lists(
  genre INTEGER NOT NULL, album INTEGER NOT NULL, ordinal INTEGER NOT NULL, newest INTEGER NOT NULL,
  year INTEGER NOT NULL, title_key BLOB NOT NULL, artist_key BLOB NOT NULL,
  PRIMARY KEY(genre, album)) WITHOUT ROWID;
CREATE INDEX album_lists_album ON album_lists(album);
CREATE INDEX album_lists_random ON album_lists(genre, ordinal);
CREATE INDEX album_lists_newest ON album_lists(genre, newest);
CREATE INDEX album_lists_title ON album_lists(genre, title_key);
CREATE INDEX album_lists_artist ON album_lists(genre, artist_key, title_key);
CREATE INDEX album_lists_year ON album_lists(genre, year);

CREATE TABLE appearances(
  artist INTEGER NOT NULL, album INTEGER NOT NULL, PRIMARY KEY(artist, album)) WITHOUT ROWID;
)sql",
                                            R"sql(
CREATE TABLE superseded(
  id BLOB NOT NULL, audio BLOB NOT NULL, cover BLOB, winner BLOB NOT NULL, since INTEGER NOT NULL,
  kept INTEGER NOT NULL, PRIMARY KEY(id, audio)) WITHOUT ROWID;
CREATE INDEX superseded_kept ON superseded(since) WHERE kept;
)sql"};

int version_of(Connection& connection) {
  return connection.raw().execAndGet("PRAGMA user_version").getInt();
}

}  // namespace

int schema_version() noexcept {
  return static_cast<int>(kSteps.size());
}

core::Result<void> migrate(Connection& connection) {
  const int found = version_of(connection);
  if (found > schema_version() || found < 0) {
    return core::fail(
        core::Errc::kInvalidArgument,
        fmt::format("library.db has schema version {}, this program knows versions up to {}: it was "
                    "written by a newer Kadenza; run that version or a newer one",
                    found, schema_version()));
  }
  for (int version = found; version < schema_version(); ++version) {
    SQLite::Transaction step(connection.raw());
    connection.raw().exec(kSteps[static_cast<std::size_t>(version)]);
    connection.raw().exec(fmt::format("PRAGMA user_version = {}", version + 1));
    step.commit();
  }
  return {};
}

}  // namespace kadenza::services::catalogue
