// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/catalogue/row_writer.hpp"

#include <algorithm>
#include <optional>

#include "services/catalogue/lists.hpp"
#include "services/catalogue/song_codec.hpp"

namespace kadenza::services::catalogue {
namespace {

using core::Errc;
using core::Result;

// A song's position follows from the second in which it was stored, so that rows which arrive late find
// their place; a burst of uploads takes the seconds that follow. Search gives 30 bits to it.
constexpr std::int64_t kPositionEpochMs = 1'577'836'800'000;  // 2020-01-01 UTC
constexpr std::int64_t kPositionMax = (std::int64_t{1} << 30) - 2;

Result<RowsDigest> read_digest(Connection& connection, std::int32_t shard) {
  Query query(connection, "SELECT row_count, sum FROM shards WHERE shard = ?1", shard);
  RowsDigest digest;
  if (!query.step() || query.blob(1).size() != digest.sum.size())
    return core::fail(Errc::kCorrupted, "a shard's digest in library.db is damaged");
  digest.count = static_cast<std::uint64_t>(query.integer(0));
  std::ranges::copy(query.blob(1), digest.sum.begin());
  return digest;
}

}  // namespace

RowWriter::RowWriter(Connection& connection)
    : connection_(connection),
      writing_(connection),
      artists_(writing_),
      genres_(writing_),
      albums_(writing_, artists_, genres_) {}

Result<void> RowWriter::add(const core::Song& song) {
  KADENZA_TRY(const auto position, free_position(song));
  const StoredSong row(song, position);
  const auto shard = shard_of(song);
  const auto version = version_of(song);
  KADENZA_TRY(auto* const digest, digest_of(shard));
  digest->add(version);

  ++writing_.change;
  writing_.bytes += static_cast<std::int64_t>(song.size);
  writing_.duration_ms += song.properties.duration.count();
  const auto artist = artists_.ensure(row, song.tags.artist, false);
  artists_.add_song(row, artist);
  const auto listed = artists_.ensure(row, song.tags.listed_artist(), true);
  if (listed != artist) artists_.add_song(row, listed);
  genres_.add_song(row);
  std::optional<std::int64_t> album;
  if (song.album_id()) {
    KADENZA_TRY(album, albums_.add_song(row, artist, listed));
  }

  const auto encoded = encode_song(song);
  Query(connection_, "INSERT INTO songs VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)", position,
        writing_.change, song.id, std::int32_t{shard}, milliseconds(song.first_stored), album,
        std::int32_t{song.tags.disc}, std::int32_t{song.tags.track}, std::span(row.title_key),
        std::span(encoded), version.version)
      .run();
  writing_.note_written(RowKind::kSong, position);
  add_to_song_list(connection_, kAllSongs, row, writing_.songs);
  ++writing_.songs;
  return {};
}

Result<void> RowWriter::remove(const core::Song& song) {
  const auto position = find_integer(connection_, "SELECT position FROM songs WHERE id = ?1", song.id);
  const auto artist =
      find_integer(connection_, "SELECT position FROM artists WHERE id = ?1", song.artist_id());
  const auto listed =
      find_integer(connection_, "SELECT position FROM artists WHERE id = ?1", song.listed_artist_id());
  if (!position || !artist || !listed)
    return core::fail(Errc::kCorrupted, "a song's rows in library.db do not belong together");
  const auto album = find_integer(connection_, "SELECT album FROM songs WHERE id = ?1", song.id);
  const StoredSong row(song, *position);
  const auto shard = shard_of(song);
  KADENZA_TRY(auto* const digest, digest_of(shard));
  digest->remove(version_of(song));

  ++writing_.change;
  writing_.bytes -= static_cast<std::int64_t>(song.size);
  writing_.duration_ms -= song.properties.duration.count();
  artists_.remove_song(row, *artist);
  if (listed != artist) artists_.remove_song(row, *listed);
  genres_.remove_song(row);
  if (album) albums_.remove_song(*album);
  remove_from_song_list(connection_, kAllSongs, *position, writing_.songs);
  Query(connection_, "DELETE FROM songs WHERE position = ?1", *position).run();
  writing_.note_removed(RowKind::kSong, *position);
  --writing_.songs;
  taken_ = {};
  return {};
}

Result<RowsDigest*> RowWriter::digest_of(std::uint8_t shard) {
  auto known = digests_.find(shard);
  if (known == digests_.end()) {
    KADENZA_TRY(const auto stored, read_digest(connection_, shard));
    known = digests_.emplace(shard, stored).first;
  }
  return &known->second;
}

Result<void> RowWriter::finish() {
  ++writing_.change;
  KADENZA_TRY_VOID(albums_.settle());
  KADENZA_TRY_VOID(artists_.settle());
  KADENZA_TRY_VOID(genres_.settle());
  for (const auto& [shard, digest] : digests_) {
    Query(connection_, "UPDATE shards SET row_count = ?2, sum = ?3 WHERE shard = ?1", std::int32_t{shard},
          digest.count, std::span(digest.sum))
        .run();
  }
  writing_.save_totals();
  return {};
}

Result<Position> RowWriter::free_position(const core::Song& song) {
  const auto time = milliseconds(song.first_stored);
  // Older: an earlier time, or the same time and a greater id.
  auto older = find_integer(
      connection_, "SELECT position FROM songs WHERE first_stored = ?1 AND id > ?2 ORDER BY id LIMIT 1", time,
      song.id);
  if (!older) {
    older = find_integer(
        connection_,
        "SELECT position FROM songs WHERE first_stored < ?1 ORDER BY first_stored DESC, id LIMIT 1", time);
  }
  const auto lowest = older.value_or(0) + 1;
  const auto newer = find_integer(
      connection_, "SELECT position FROM songs WHERE position >= ?1 ORDER BY position LIMIT 1", lowest);
  const auto highest = newer.value_or(kPositionMax + 1) - 1;
  if (lowest <= highest) {
    return static_cast<Position>(std::clamp((time - kPositionEpochMs) / 1000, lowest, highest));
  }
  // No room between the neighbours: the next free place is at most a burst of uploads away. Rows of a burst
  // that come in another order look for it from nearly the same place, so what was found taken is kept.
  const auto from = taken_.begin <= lowest && lowest < taken_.end ? taken_.end - 1 : lowest;
  const auto next =
      find_integer(connection_,
                   "SELECT position + 1 FROM songs AS here WHERE position >= ?1 AND NOT EXISTS "
                   "(SELECT 1 FROM songs WHERE position = here.position + 1) ORDER BY position LIMIT 1",
                   from);
  if (!next || *next > kPositionMax)
    return core::fail(Errc::kNoSpace, "the catalogue has no room for further songs");
  taken_ = {from == lowest ? lowest : taken_.begin, *next + 1};
  return static_cast<Position>(*next);
}

}  // namespace kadenza::services::catalogue
