// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "core/ids.hpp"
#include "core/song.hpp"
#include "distributed/placement/partition.hpp"
#include "distributed/repair/branch.hpp"

namespace kadenza::distributed::repair {

/// Which songs, or which documents, this node holds, with the digests that are compared with other nodes'. In
/// memory, about 150 bytes a copy; filled from the store at the start and kept up to date with every write.
/// Thread-safe; one lock.
class HeldCopies {
 public:
  /// The partitions that count, in ascending order.
  using Chosen = std::span<const placement::Partition>;

  explicit HeldCopies(unsigned partition_bits) : partition_bits_(partition_bits) {}

  /// Adds the copy, or takes its new version.
  void put(const HeldCopy& copy);
  void put(const core::Song& song) { put(held_song(song)); }
  /// Adds it unless some version of it is here: for filling from a list that is older than what put() was
  /// told.
  void put_if_absent(const HeldCopy& copy);
  void put_if_absent(const core::Song& song) { put_if_absent(held_song(song)); }

  /// Nothing happens when another version is here.
  void erase(const RowVersion& song);

  std::optional<HeldCopy> find(const core::SongId& id) const;
  /// The first one above `id`, or nothing.
  std::optional<HeldCopy> next_after(const core::SongId& id) const;
  Summary total() const;
  /// Those with songs, in ascending order.
  std::vector<placement::Partition> partitions() const;
  /// Changes when partitions() does.
  std::uint64_t partitions_version() const;

  Summary summary(const Branch& branch, Chosen chosen) const;
  /// In ascending order of their ids.
  std::vector<HeldCopy> songs(const Branch& branch, Chosen chosen) const;
  /// Those of one partition.
  std::vector<HeldCopy> songs(const placement::Partition& partition) const;

 private:
  struct Cell {
    Summary summary;
    std::map<core::SongId, HeldCopy> songs;
  };
  using Cells = std::map<placement::Partition, Cell>;

  Cell& cell_of(const core::SongId& id);
  static void insert(Cell& cell, const HeldCopy& song);
  static void take_out(Cell& cell, const core::SongId& id);
  /// Calls with the chosen cells that may have songs of the branch, and whether all of them are.
  void visit(const Branch& branch, Chosen chosen,
             const std::function<void(const Cell&, bool whole)>& each) const;

  const unsigned partition_bits_;
  mutable std::mutex mutex_;  // guards all below
  Cells cells_;
  std::uint64_t partitions_version_ = 0;
};

}  // namespace kadenza::distributed::repair
