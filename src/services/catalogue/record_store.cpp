// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/catalogue/record_store.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/check.hpp"
#include "services/catalogue/connection.hpp"
#include "services/catalogue/song_codec.hpp"

namespace kadenza::services::catalogue {
namespace {

using core::Errc;
using core::Result;

std::vector<std::uint8_t> joined(const std::vector<core::Digest>& chunks) {
  std::vector<std::uint8_t> bytes;
  bytes.reserve(chunks.size() * core::Digest::kBytes);
  for (const auto& chunk : chunks) bytes.insert(bytes.end(), chunk.bytes.begin(), chunk.bytes.end());
  return bytes;
}

Result<core::SongRecord> record_from(std::span<const std::uint8_t> song,
                                     std::span<const std::uint8_t> chunks) {
  auto decoded = decode_song(song);
  if (!decoded || chunks.size() % core::Digest::kBytes != 0)
    return core::fail(Errc::kCorrupted, "a record in library.db is damaged");
  core::SongRecord record{.song = std::move(*decoded), .chunks = {}};
  record.chunks.resize(chunks.size() / core::Digest::kBytes);
  for (std::size_t i = 0; i < record.chunks.size(); ++i)
    std::memcpy(record.chunks[i].bytes.data(), chunks.data() + i * core::Digest::kBytes,
                core::Digest::kBytes);
  return record;
}

Result<std::optional<core::SongRecord>> find(Connection& connection, core::SongId id) {
  Query query(connection, "SELECT song, chunks FROM records WHERE id = ?1", id);
  if (!query.step()) return std::nullopt;
  KADENZA_TRY(auto record, record_from(query.blob(0), query.blob(1)));
  return record;
}

std::optional<std::int64_t> row_of(Connection& connection, core::SongId id) {
  Query query(connection, "SELECT record FROM records WHERE id = ?1", id);
  if (!query.step()) return std::nullopt;
  return query.integer(0);
}

void take_out(Connection& connection, const core::Song& song) {
  const auto row = *row_of(connection, song.id);
  Query(connection, "DELETE FROM derived WHERE record = ?1", row).run();
  Query(connection, "DELETE FROM unanalysed WHERE record = ?1", row).run();
  Query(connection, "DELETE FROM records WHERE record = ?1", row).run();
  Query(connection, "UPDATE totals SET value = value - 1 WHERE name = 'records'").run();
  Query(connection, "UPDATE totals SET value = value - ?1 WHERE name = 'record_bytes'", song.size).run();
}

Result<bool> any(const Database& database, std::string_view sql, core::Digest digest) {
  return database.read(
      [&](Connection& connection) -> Result<bool> { return Query(connection, sql, digest).step(); });
}

/// The smallest and the greatest id whose first `bits` are those of `prefix`.
std::pair<core::SongId, core::SongId> bounds(core::SongId prefix, unsigned bits) {
  auto low = prefix, high = prefix;
  for (unsigned bit = bits; bit < 256; ++bit) {
    const auto mask = static_cast<std::uint8_t>(0x80U >> (bit % 8));
    low.bytes[bit / 8] = static_cast<std::uint8_t>(low.bytes[bit / 8] & ~mask);
    high.bytes[bit / 8] = static_cast<std::uint8_t>(high.bytes[bit / 8] | mask);
  }
  return {low, high};
}

Result<std::vector<core::SongId>> ids(Query& query) {
  std::vector<core::SongId> found;
  while (query.step()) found.push_back(query.id<core::SongId>(0));
  return found;
}

}  // namespace

Result<std::optional<core::SongRecord>> RecordStore::put_if_absent(Transaction& transaction,
                                                                   const core::SongRecord& record) {
  auto& connection = transaction.connection();
  KADENZA_TRY(auto existing, find(connection, record.song.id));
  if (existing) return existing;

  const auto song = encode_song(record.song);
  const auto chunks = joined(record.chunks);
  Query(connection, "INSERT INTO records(id, audio, cover, song, chunks) VALUES (?1, ?2, ?3, ?4, ?5)",
        record.song.id, record.song.audio, record.song.cover, std::span(song), std::span(chunks))
      .run();
  Query(connection, "INSERT INTO unanalysed SELECT record FROM records WHERE id = ?1", record.song.id).run();
  Query(connection, "UPDATE totals SET value = value + 1 WHERE name = 'records'").run();
  Query(connection, "UPDATE totals SET value = value + ?1 WHERE name = 'record_bytes'", record.song.size)
      .run();
  return std::nullopt;
}

Result<std::optional<core::SongRecord>> RecordStore::get(core::SongId id) const {
  return database_.read([&](Connection& connection) -> Result<std::optional<core::SongRecord>> {
    return find(connection, id);
  });
}

Result<bool> RecordStore::names_audio(core::Digest audio) const {
  return any(database_,
             "SELECT 1 FROM records WHERE audio = ?1 UNION ALL "
             "SELECT 1 FROM superseded WHERE kept AND audio = ?1 LIMIT 1",
             audio);
}

Result<bool> RecordStore::names_cover(core::Digest cover) const {
  return any(database_,
             "SELECT 1 FROM records WHERE cover = ?1 UNION ALL "
             "SELECT 1 FROM superseded WHERE kept AND cover = ?1 LIMIT 1",
             cover);
}

Result<void> RecordStore::supersede(Transaction& transaction, core::SongId id, core::Digest loser,
                                    core::Digest winner, core::WallTime now) {
  auto& connection = transaction.connection();
  KADENZA_TRY(const auto record, find(connection, id));
  if (!record || record->song.audio != loser) return {};
  Query(connection, "INSERT OR REPLACE INTO superseded VALUES (?1, ?2, ?3, ?4, ?5, 1)", id, loser,
        record->song.cover, winner, milliseconds(now))
      .run();
  take_out(connection, record->song);
  return {};
}

Result<std::vector<core::Digest>> RecordStore::remove(Transaction& transaction, core::SongId id,
                                                      core::Digest audio) {
  auto& connection = transaction.connection();
  KADENZA_TRY(const auto record, find(connection, id));
  if (!record || record->song.audio != audio) {
    return core::fail(Errc::kNotFound, "no record has this id and this audio");
  }
  take_out(connection, record->song);
  std::vector<core::Digest> named{record->song.audio};
  if (record->song.cover) named.push_back(*record->song.cover);
  return named;
}

Result<std::optional<core::Digest>> RecordStore::superseded_by(Transaction& transaction, core::SongId id,
                                                               core::Digest audio) const {
  Query query(transaction.connection(), "SELECT winner FROM superseded WHERE id = ?1 AND audio = ?2", id,
              audio);
  if (!query.step()) return std::nullopt;
  return query.id<core::Digest>(0);
}

Result<std::vector<core::Digest>> RecordStore::release_superseded(Transaction& transaction,
                                                                  core::WallTime before) {
  auto& connection = transaction.connection();
  std::vector<core::Digest> named;
  {
    Query query(connection, "SELECT audio, cover FROM superseded WHERE kept AND since < ?1",
                milliseconds(before));
    while (query.step()) {
      named.push_back(query.id<core::Digest>(0));
      if (!query.is_null(1)) named.push_back(query.id<core::Digest>(1));
    }
  }
  Query(connection, "UPDATE superseded SET kept = 0 WHERE kept AND since < ?1", milliseconds(before)).run();
  return named;
}

Result<std::vector<core::SongId>> RecordStore::list(core::SongId prefix, unsigned prefix_bits,
                                                    std::optional<core::SongId> after,
                                                    std::size_t limit) const {
  KADENZA_CHECK(prefix_bits <= 256);
  const auto [low, high] = bounds(prefix, prefix_bits);
  return database_.read([&](Connection& connection) -> Result<std::vector<core::SongId>> {
    const bool resume = after && *after >= low;
    const auto* sql = resume ? "SELECT id FROM records WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3"
                             : "SELECT id FROM records WHERE id >= ?1 AND id <= ?2 ORDER BY id LIMIT ?3";
    const auto from = resume ? *after : low;
    Query query(connection, sql, from, high, std::uint64_t{limit});
    return ids(query);
  });
}

Result<std::vector<core::Song>> RecordStore::songs(std::optional<core::SongId> after,
                                                   std::size_t limit) const {
  return database_.read([&](Connection& connection) -> Result<std::vector<core::Song>> {
    const auto* sql = after ? "SELECT song FROM records WHERE id > ?1 ORDER BY id LIMIT ?2"
                            : "SELECT song FROM records WHERE id >= ?1 ORDER BY id LIMIT ?2";
    const auto from = after.value_or(core::SongId{});  // a query keeps references to what it is given
    Query query(connection, sql, from, std::uint64_t{limit});
    std::vector<core::Song> found;
    while (query.step()) {
      auto song = decode_song(query.blob(0));
      if (!song) return core::fail(Errc::kCorrupted, "a record in library.db is damaged");
      found.push_back(std::move(*song));
    }
    return found;
  });
}

Result<void> RecordStore::put_facts(Transaction& transaction, core::SongId id,
                                    const core::DerivedFacts& facts) {
  auto& connection = transaction.connection();
  const auto record = row_of(connection, id);
  if (!record) return core::fail(Errc::kNotFound, "no record has this id");
  const auto encoded = encode_facts(facts);
  Query(connection, "INSERT OR REPLACE INTO derived VALUES (?1, ?2)", *record, std::span(encoded)).run();
  Query(connection, "DELETE FROM unanalysed WHERE record = ?1", *record).run();
  return {};
}

Result<std::optional<core::DerivedFacts>> RecordStore::facts(core::SongId id) const {
  return database_.read([&](Connection& connection) -> Result<std::optional<core::DerivedFacts>> {
    Query query(connection, "SELECT facts FROM derived JOIN records USING (record) WHERE id = ?1", id);
    if (!query.step()) return std::nullopt;
    auto facts = decode_facts(query.blob(0));
    if (!facts) return core::fail(Errc::kCorrupted, "the derived facts of a song in library.db are damaged");
    return facts;
  });
}

Result<std::vector<core::SongId>> RecordStore::unanalysed(std::size_t limit) const {
  return database_.read([&](Connection& connection) -> Result<std::vector<core::SongId>> {
    Query query(connection, "SELECT id FROM unanalysed JOIN records USING (record) ORDER BY record LIMIT ?1",
                std::uint64_t{limit});
    return ids(query);
  });
}

Result<RecordStore::Totals> RecordStore::totals() const {
  return database_.read([&](Connection& connection) -> Result<Totals> {
    Totals totals;
    Query query(connection, "SELECT name, value FROM totals WHERE name IN ('records', 'record_bytes')");
    while (query.step()) {
      auto& total = query.text(0) == "records" ? totals.records : totals.audio_bytes;
      total = static_cast<std::uint64_t>(query.integer(1));
    }
    return totals;
  });
}

}  // namespace kadenza::services::catalogue
