// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/catalogue/schema.hpp"

#include <array>

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Transaction.h>
#include <fmt/format.h>

#include "services/catalogue/row_version.hpp"
#include "services/catalogue/song_codec.hpp"

namespace kadenza::services::catalogue {
namespace {

// What each column means is in docs/formats/library-db.md. Once released, a step never changes: a later
// version appends one.
constexpr const char* kTables = R"sql(
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
)sql";

constexpr const char* kSuperseded = R"sql(
CREATE TABLE superseded(
  id BLOB NOT NULL, audio BLOB NOT NULL, cover BLOB, winner BLOB NOT NULL, since INTEGER NOT NULL,
  kept INTEGER NOT NULL, PRIMARY KEY(id, audio)) WITHOUT ROWID;
CREATE INDEX superseded_kept ON superseded(since) WHERE kept;
)sql";

constexpr const char* kShardsAndReplacement = R"sql(
INSERT INTO totals SELECT 'changes', value FROM totals WHERE name = 'songs';
ALTER TABLE songs ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
CREATE TABLE shards(shard INTEGER PRIMARY KEY, row_count INTEGER NOT NULL, sum BLOB NOT NULL);
CREATE TABLE removed_rows(
  kind INTEGER NOT NULL, position INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY(kind, position)) WITHOUT ROWID;
CREATE INDEX removed_rows_by_seq ON removed_rows(seq);
CREATE INDEX appearances_by_album ON appearances(album);

ALTER TABLE artists ADD COLUMN lead_time INTEGER NOT NULL DEFAULT 0;
ALTER TABLE artists ADD COLUMN lead BLOB NOT NULL DEFAULT x'';
ALTER TABLE artists ADD COLUMN cover_time INTEGER;
UPDATE artists SET
  lead_time = (SELECT first_stored FROM songs WHERE songs.position = artists.position / 2),
  lead = (SELECT id FROM songs WHERE songs.position = artists.position / 2),
  cover_time = (SELECT first_stored FROM songs WHERE songs.id = cover_song);

ALTER TABLE genres ADD COLUMN lead_time INTEGER NOT NULL DEFAULT 0;
ALTER TABLE genres ADD COLUMN lead BLOB NOT NULL DEFAULT x'';
UPDATE genres SET (lead_time, lead) = (
  SELECT songs.first_stored, songs.id FROM song_lists CROSS JOIN songs ON songs.position = song_lists.position
  WHERE song_lists.list = 2 * genre ORDER BY song_lists.position LIMIT 1);
)sql";

/// Hashes are not for SQL.
core::Result<void> fill_shards(Connection& connection) {
  std::array<RowsDigest, kShards> digests;
  {
    Query songs(connection, "SELECT position, song FROM songs");
    while (songs.step()) {
      const auto song = decode_song(songs.blob(1));
      if (!song) return core::fail(core::Errc::kCorrupted, "a song's row in library.db is damaged");
      const auto version = version_of(*song);
      digests[shard_of(*song)].add(version);
      Query(connection, "UPDATE songs SET version = ?2 WHERE position = ?1", songs.integer(0),
            version.version)
          .run();
    }
  }
  for (std::uint32_t shard = 0; shard < kShards; ++shard) {
    const auto& digest = digests[shard];
    Query(connection, "INSERT INTO shards VALUES (?1, ?2, ?3)", shard, digest.count, std::span(digest.sum))
        .run();
  }
  connection.raw().exec("CREATE INDEX songs_of_shard ON songs(shard, id, version)");
  return {};
}

constexpr const char* kDocuments =
    "CREATE TABLE documents(id BLOB PRIMARY KEY, hash BLOB NOT NULL, state BLOB NOT NULL) WITHOUT ROWID";

struct Step {
  const char* sql;
  core::Result<void> (*then)(Connection&) = nullptr;
};
constexpr std::array<Step, 4> kSteps{
    {{kTables}, {kSuperseded}, {kShardsAndReplacement, fill_shards}, {kDocuments}}};

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
    const auto& [sql, then] = kSteps[static_cast<std::size_t>(version)];
    connection.raw().exec(sql);
    if (then != nullptr) KADENZA_TRY_VOID(then(connection));
    connection.raw().exec(fmt::format("PRAGMA user_version = {}", version + 1));
    step.commit();
  }
  return {};
}

}  // namespace kadenza::services::catalogue
