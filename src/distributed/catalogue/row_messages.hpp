// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/ids.hpp"
#include "services/catalogue/row_version.hpp"

namespace kadenza::distributed::catalogue {

using services::catalogue::kShards;
using services::catalogue::RowsDigest;
using services::catalogue::RowVersion;

using ShardSet = std::bitset<kShards>;

std::vector<std::uint32_t> shards_in(const ShardSet& set);

// The packed fields of proto/catalogue.proto. What comes from another node is checked: kInvalidArgument.
std::string pack(const ShardSet& shards);
core::Result<ShardSet> unpack_shards(std::string_view packed);
std::string pack(const std::vector<RowVersion>& rows);
/// At most kVersionsPerPage, ids ascending.
core::Result<std::vector<RowVersion>> unpack_versions(std::string_view packed);
std::string pack(const std::vector<core::SongId>& ids);
/// At most kRowsPerMessage.
core::Result<std::vector<core::SongId>> unpack_ids(std::string_view packed);

}  // namespace kadenza::distributed::catalogue
