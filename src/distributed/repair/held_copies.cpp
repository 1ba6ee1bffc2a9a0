// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/repair/held_copies.hpp"

#include <algorithm>

namespace kadenza::distributed::repair {
namespace {

void add(Summary& summary, const HeldCopy& song) {
  summary.songs.add(song.version);
  summary.bytes += song.bytes;
}

}  // namespace

HeldCopies::Cell& HeldCopies::cell_of(const core::SongId& id) {
  const auto [cell, added] = cells_.try_emplace(placement::partition_of(id, partition_bits_));
  if (added) ++partitions_version_;
  return cell->second;
}

void HeldCopies::insert(Cell& cell, const HeldCopy& song) {
  cell.songs.emplace(song.version.id, song);
  add(cell.summary, song);
}

void HeldCopies::put(const HeldCopy& copy) {
  const std::lock_guard lock(mutex_);
  auto& cell = cell_of(copy.version.id);
  take_out(cell, copy.version.id);
  insert(cell, copy);
}

void HeldCopies::take_out(Cell& cell, const core::SongId& id) {
  const auto found = cell.songs.find(id);
  if (found == cell.songs.end()) return;
  cell.summary.songs.remove(found->second.version);
  cell.summary.bytes -= found->second.bytes;
  cell.songs.erase(found);
}

void HeldCopies::erase(const RowVersion& song) {
  const std::lock_guard lock(mutex_);
  const auto cell = cells_.find(placement::partition_of(song.id, partition_bits_));
  if (cell == cells_.end()) return;
  const auto found = cell->second.songs.find(song.id);
  if (found == cell->second.songs.end() || found->second.version != song) return;
  take_out(cell->second, song.id);
  if (!cell->second.songs.empty()) return;
  cells_.erase(cell);
  ++partitions_version_;
}

void HeldCopies::put_if_absent(const HeldCopy& copy) {
  const std::lock_guard lock(mutex_);
  auto& cell = cell_of(copy.version.id);
  if (!cell.songs.contains(copy.version.id)) insert(cell, copy);
}

std::optional<HeldCopy> HeldCopies::find(const core::SongId& id) const {
  const std::lock_guard lock(mutex_);
  const auto cell = cells_.find(placement::partition_of(id, partition_bits_));
  if (cell == cells_.end()) return std::nullopt;
  const auto found = cell->second.songs.find(id);
  return found == cell->second.songs.end() ? std::nullopt : std::optional(found->second);
}

std::optional<HeldCopy> HeldCopies::next_after(const core::SongId& id) const {
  const std::lock_guard lock(mutex_);
  for (auto cell = cells_.lower_bound(placement::partition_of(id, partition_bits_)); cell != cells_.end();
       ++cell) {
    const auto next = cell->second.songs.upper_bound(id);
    if (next != cell->second.songs.end()) return next->second;
  }
  return std::nullopt;
}

Summary HeldCopies::total() const {
  const std::lock_guard lock(mutex_);
  Summary total;
  for (const auto& [partition, cell] : cells_) total.add(cell.summary);
  return total;
}

std::vector<placement::Partition> HeldCopies::partitions() const {
  const std::lock_guard lock(mutex_);
  std::vector<placement::Partition> all;
  all.reserve(cells_.size());
  for (const auto& [partition, cell] : cells_) all.push_back(partition);
  return all;
}

std::uint64_t HeldCopies::partitions_version() const {
  const std::lock_guard lock(mutex_);
  return partitions_version_;
}

void HeldCopies::visit(const Branch& branch, Chosen chosen,
                       const std::function<void(const Cell&, bool whole)>& each) const {
  const auto last = placement::partition_of(branch.last(), partition_bits_);
  const bool whole = 4 * branch.digits <= partition_bits_;
  auto partition = std::ranges::lower_bound(chosen, placement::partition_of(branch.first, partition_bits_));
  for (; partition != chosen.end() && *partition <= last; ++partition) {
    if (const auto cell = cells_.find(*partition); cell != cells_.end()) each(cell->second, whole);
  }
}

Summary HeldCopies::summary(const Branch& branch, Chosen chosen) const {
  const std::lock_guard lock(mutex_);
  Summary summary;
  visit(branch, chosen, [&](const Cell& cell, bool whole) {
    if (whole) return summary.add(cell.summary);
    const auto end = cell.songs.upper_bound(branch.last());
    for (auto song = cell.songs.lower_bound(branch.first); song != end; ++song) add(summary, song->second);
  });
  return summary;
}

std::vector<HeldCopy> HeldCopies::songs(const Branch& branch, Chosen chosen) const {
  const std::lock_guard lock(mutex_);
  std::vector<HeldCopy> found;
  visit(branch, chosen, [&](const Cell& cell, bool) {
    const auto end = cell.songs.upper_bound(branch.last());
    for (auto song = cell.songs.lower_bound(branch.first); song != end; ++song) found.push_back(song->second);
  });
  return found;
}

std::vector<HeldCopy> HeldCopies::songs(const placement::Partition& partition) const {
  const std::lock_guard lock(mutex_);
  std::vector<HeldCopy> found;
  if (const auto cell = cells_.find(partition); cell != cells_.end()) {
    for (const auto& [id, song] : cell->second.songs) found.push_back(song);
  }
  return found;
}

}  // namespace kadenza::distributed::repair
