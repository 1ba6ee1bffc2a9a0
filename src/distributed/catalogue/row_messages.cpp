// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/catalogue/row_messages.hpp"

#include "distributed/catalogue/limits.hpp"
#include "distributed/messages/packed.hpp"
#include "distributed/messages/song_message.hpp"

namespace kadenza::distributed::catalogue {
namespace {

using core::Errc;
using core::Result;

constexpr std::size_t kVersionBytes = core::SongId::kBytes + 8;

}  // namespace

std::vector<std::uint32_t> shards_in(const ShardSet& set) {
  std::vector<std::uint32_t> shards;
  for (std::uint32_t shard = 0; shard < kShards; ++shard)
    if (set[shard]) shards.push_back(shard);
  return shards;
}

std::string pack(const ShardSet& shards) {
  std::string packed(kShards / 8, '\0');
  for (const auto shard : shards_in(shards))
    packed[shard / 8] = static_cast<char>(static_cast<unsigned char>(packed[shard / 8]) | 1U << shard % 8);
  return packed;
}

Result<ShardSet> unpack_shards(std::string_view packed) {
  if (packed.size() != kShards / 8)
    return core::fail(Errc::kInvalidArgument, "a set of shards in a message does not have 32 bytes");
  ShardSet shards;
  for (std::size_t shard = 0; shard < kShards; ++shard)
    shards[shard] = (static_cast<unsigned char>(packed[shard / 8]) >> shard % 8 & 1U) != 0;
  return shards;
}

std::string pack(const std::vector<RowVersion>& rows) {
  std::string packed;
  packed.reserve(rows.size() * kVersionBytes);
  for (const auto& row : rows) {
    packed += messages::bytes_of(row.id);
    messages::append_word(packed, row.version);
  }
  return packed;
}

Result<std::vector<RowVersion>> unpack_versions(std::string_view packed) {
  if (packed.size() % kVersionBytes != 0 || packed.size() / kVersionBytes > kVersionsPerPage)
    return core::fail(Errc::kInvalidArgument, "a list of row versions in a message has a wrong length");
  std::vector<RowVersion> rows;
  for (auto rest = messages::bytes_in(packed); !rest.empty(); rest = rest.subspan(kVersionBytes)) {
    const RowVersion row{*core::SongId::from_bytes(rest.first(core::SongId::kBytes)),
                         messages::word_at(rest, core::SongId::kBytes)};
    if (!rows.empty() && !(rows.back().id < row.id))
      return core::fail(Errc::kInvalidArgument, "a list of row versions in a message is not in order");
    rows.push_back(row);
  }
  return rows;
}

std::string pack(const std::vector<core::SongId>& ids) {
  std::string packed;
  for (const auto& id : ids) packed += messages::bytes_of(id);
  return packed;
}

Result<std::vector<core::SongId>> unpack_ids(std::string_view packed) {
  if (packed.size() % core::SongId::kBytes != 0 || packed.size() / core::SongId::kBytes > kRowsPerMessage)
    return core::fail(Errc::kInvalidArgument, "a list of ids in a message has a wrong length");
  std::vector<core::SongId> ids;
  for (auto rest = messages::bytes_in(packed); !rest.empty(); rest = rest.subspan(core::SongId::kBytes))
    ids.push_back(*core::SongId::from_bytes(rest.first(core::SongId::kBytes)));
  return ids;
}

}  // namespace kadenza::distributed::catalogue
