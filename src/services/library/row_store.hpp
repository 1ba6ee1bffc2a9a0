// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "core/error.hpp"
#include "core/ids.hpp"
#include "core/song.hpp"
#include "core/task.hpp"
#include "services/catalogue/catalogue.hpp"
#include "services/catalogue/row_version.hpp"
#include "services/catalogue/shard_reader.hpp"

namespace kadenza::services::library {

/// The catalogue's rows as the distributed layer moves them between nodes. Each shard is a map from SongId to
/// the row that wins (row_version.hpp, wins_over), so rows may arrive in any order, any number of times, from
/// anywhere: all nodes end with the same (a state-based CRDT, Shapiro et al. 2011). Thread-safe; calls
/// resume on their caller's executor.
class RowStore {
 public:
  using Merged = catalogue::Catalogue::Merged;
  using Changes = catalogue::ShardReader::Changes;

  virtual ~RowStore() = default;

  /// Merges rows into the catalogue, durably, and lets search know. At most kMergedMax at a time; all of
  /// them or, with an error, none.
  virtual core::Task<core::Result<Merged>> merge(std::vector<core::Song> rows) = 0;

  /// All shards' digests, by shard.
  virtual core::Task<core::Result<std::vector<catalogue::RowsDigest>>> digests() = 0;

  /// The shard's rows with ids above `after` (a zero id: from the start), ascending.
  virtual core::Task<core::Result<std::vector<catalogue::RowVersion>>> versions(std::uint32_t shard,
                                                                                core::SongId after,
                                                                                std::size_t limit) = 0;

  /// Ids without a row are left out.
  virtual core::Task<core::Result<std::vector<core::Song>>> rows(std::vector<core::SongId> ids) = 0;

  /// Rows of the given shards in the order in which this node got them, after change `after`. It may come
  /// back empty before the end: go on at its `last`.
  virtual core::Task<core::Result<Changes>> changes(std::uint64_t after, std::vector<std::uint32_t> shards,
                                                    std::size_t limit) = 0;

  /// The number of the newest change, and a random name of this database: changes of another database have
  /// other numbers.
  struct Head {
    std::array<std::uint8_t, 16> database{};
    std::uint64_t sequence = 0;
  };
  virtual core::Task<core::Result<Head>> head() = 0;

  /// `listener` is called after every change, by uploads and by merge(), on whatever thread made it; it must
  /// not block. One at a time; an empty one ends it, and is not called any more when this returns.
  virtual void on_change(std::function<void()> listener) = 0;
};

/// Most rows of one merge(): one transaction.
inline constexpr std::size_t kMergedMax = 1000;

}  // namespace kadenza::services::library
