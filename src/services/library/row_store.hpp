// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/ids.hpp"
#include "core/song.hpp"
#include "core/task.hpp"

namespace kadenza::services::library {

/// A set of rows in a few bytes: equal sets give equal digests, and nothing else does by chance.
struct RowsDigest {
  std::uint64_t count = 0;
  std::array<std::uint8_t, 16> sum{};  ///< XOR of a 128-bit hash of each row's id, first_stored and audio

  friend bool operator==(const RowsDigest&, const RowsDigest&) = default;
};

/// A row's name and version.
struct RowVersion {
  core::SongId id;
  std::uint64_t version = 0;  ///< 64-bit hash of first_stored and audio

  friend bool operator==(const RowVersion&, const RowVersion&) = default;
};

/// The catalogue's rows as the distributed layer moves them between nodes. Each shard is a map from SongId to
/// the row that wins (song_store.hpp, wins_over), so rows may arrive in any order, any number of times, from
/// anywhere: all nodes end with the same (a state-based CRDT, Shapiro et al. 2011). Thread-safe; calls
/// resume on their caller's executor.
class RowStore {
 public:
  virtual ~RowStore() = default;

  struct Merged {
    std::size_t added = 0;
    std::vector<core::Song> superseded;  ///< rows of this node that lost, as they were
    std::vector<core::Song> stale;       ///< winners that this node has for given rows that lost
  };
  /// Merges rows into the catalogue, durably, and lets search know.
  virtual core::Task<core::Result<Merged>> merge(std::vector<core::Song> rows) = 0;

  /// All shards' digests, by shard.
  virtual core::Task<core::Result<std::vector<RowsDigest>>> digests() = 0;

  /// The shard's rows with ids above `after` (exclusive; a zero id = from the start), ascending.
  virtual core::Task<core::Result<std::vector<RowVersion>>> versions(std::uint32_t shard, core::SongId after,
                                                                     std::size_t limit) = 0;

  virtual core::Task<core::Result<std::vector<core::Song>>> rows(std::vector<core::SongId> ids) = 0;

  struct Change {
    std::uint64_t sequence = 0;  ///< ascending; each merge or local upload gets the next
    core::Song song;
  };
  /// Rows in the order in which this node got them, after `sequence`, of the given shards only.
  virtual core::Task<core::Result<std::vector<Change>>> changes(std::uint64_t after,
                                                                std::vector<std::uint32_t> shards,
                                                                std::size_t limit) = 0;

  /// The sequence of the newest row, and a random name of this database: sequences of another database mean
  /// nothing.
  struct Head {
    std::array<std::uint8_t, 16> database{};
    std::uint64_t sequence = 0;
  };
  virtual core::Task<core::Result<Head>> head() = 0;
};

}  // namespace kadenza::services::library
