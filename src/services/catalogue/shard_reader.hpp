// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/error.hpp"
#include "core/song.hpp"
#include "services/catalogue/database.hpp"
#include "services/catalogue/row_version.hpp"

namespace kadenza::services::catalogue {

/// The catalogue's rows by shard, for the exchange with other nodes. Thread-safe; calls block on the disk.
/// `database` must outlive the reader.
class ShardReader {
 public:
  explicit ShardReader(const Database& database) : database_(database) {}

  /// All shards' digests, by shard.
  core::Result<std::vector<RowsDigest>> digests() const;

  /// The shard's rows with ids above `after` (a zero id: from the start), ascending.
  core::Result<std::vector<RowVersion>> versions(std::uint32_t shard, core::SongId after,
                                                 std::size_t limit) const;

  /// Ids without a row are left out.
  core::Result<std::vector<core::Song>> find(std::span<const core::SongId> ids) const;

  struct Changes {
    std::vector<core::Song> songs;  ///< in the order in which this node got them
    std::uint64_t last = 0;         ///< the change up to which these are all
  };
  /// Rows of the given shards that came after change `after`. Looks at no more than kScannedMax rows, so it
  /// may come back empty before the end: `last` says how far it got.
  core::Result<Changes> changes(std::uint64_t after, std::span<const std::uint32_t> shards,
                                std::size_t limit) const;

 private:
  const Database& database_;
};

inline constexpr std::size_t kScannedMax = 100'000;

}  // namespace kadenza::services::catalogue
