// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/catalogue/shard_reader.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "services/catalogue/connection.hpp"
#include "services/catalogue/rows.hpp"
#include "services/catalogue/song_codec.hpp"

namespace kadenza::services::catalogue {

using core::Errc;
using core::Result;

Result<std::vector<RowsDigest>> ShardReader::digests() const {
  return database_.read([](Connection& connection) -> Result<std::vector<RowsDigest>> {
    std::vector<RowsDigest> digests(kShards);
    Query query(connection, "SELECT shard, row_count, sum FROM shards");
    while (query.step()) {
      const auto shard = static_cast<std::uint64_t>(query.integer(0));
      auto sum = query.blob(2);
      if (shard >= kShards || sum.size() != digests[shard].sum.size())
        return core::fail(Errc::kCorrupted, "a shard's digest in library.db is damaged");
      digests[shard].count = static_cast<std::uint64_t>(query.integer(1));
      std::ranges::copy(sum, digests[shard].sum.begin());
    }
    return digests;
  });
}

Result<std::vector<RowVersion>> ShardReader::versions(std::uint32_t shard, core::SongId after,
                                                      std::size_t limit) const {
  return database_.read([&](Connection& connection) -> Result<std::vector<RowVersion>> {
    std::vector<RowVersion> versions;
    Query query(connection, "SELECT id, version FROM songs WHERE shard = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
                shard, after, std::uint64_t{limit});
    while (query.step())
      versions.push_back({query.id<core::SongId>(0), static_cast<std::uint64_t>(query.integer(1))});
    return versions;
  });
}

Result<std::vector<core::Song>> ShardReader::find(std::span<const core::SongId> ids) const {
  return database_.read([&](Connection& connection) -> Result<std::vector<core::Song>> {
    std::vector<core::Song> songs;
    for (const auto& id : ids) {
      KADENZA_TRY(auto song, find_song(connection, id));
      if (song) songs.push_back(std::move(*song));
    }
    return songs;
  });
}

Result<ShardReader::Changes> ShardReader::changes(std::uint64_t after, std::span<const std::uint32_t> shards,
                                                  std::size_t limit) const {
  std::array<bool, kShards> wanted{};
  for (const auto shard : shards)
    if (shard < kShards) wanted[shard] = true;
  return database_.read([&](Connection& connection) -> Result<Changes> {
    Changes changes{.songs = {}, .last = after};
    std::size_t scanned = 0;
    Query query(connection, "SELECT seq, shard, song FROM songs WHERE seq > ?1 ORDER BY seq", after);
    while (changes.songs.size() < limit && scanned < kScannedMax && query.step()) {
      ++scanned;
      changes.last = static_cast<std::uint64_t>(query.integer(0));
      if (!wanted.at(static_cast<std::size_t>(query.integer(1)))) continue;
      auto song = decode_song(query.blob(2));
      if (!song) return core::fail(Errc::kCorrupted, "a song's row in library.db is damaged");
      changes.songs.push_back(std::move(*song));
    }
    if (changes.songs.size() < limit && scanned < kScannedMax)
      changes.last = std::max(after, change_number(connection));
    return changes;
  });
}

}  // namespace kadenza::services::catalogue
