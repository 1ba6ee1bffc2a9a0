// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "core/sha256.hpp"
#include "services/library/row_store.hpp"

namespace kadenza::sim {

/// A node's rows in memory. Single-threaded.
class MemoryRowStore final : public services::library::RowStore {
 public:
  explicit MemoryRowStore(std::string_view database) : digests_(services::catalogue::kShards) {
    const auto name = core::sha256(database);
    std::copy_n(name.bytes.begin(), head_.database.size(), head_.database.begin());
  }

  core::Task<core::Result<Merged>> merge(std::vector<core::Song> rows) override { co_return take(rows); }
  Merged take(const std::vector<core::Song>& rows) {
    Merged merged;
    for (const auto& row : rows) {
      const auto there = rows_.find(row.id);
      if (there == rows_.end()) {
        place(std::make_shared<const core::Song>(row));
        ++merged.added;
      } else if (services::catalogue::wins_over(row, *there->second.song)) {
        const auto loser = there->second;
        by_sequence_.erase(loser.sequence);
        digests_[services::catalogue::shard_of(*loser.song)].remove(
            services::catalogue::version_of(*loser.song));
        place(std::make_shared<const core::Song>(row));
        merged.superseded.push_back(*loser.song);
      } else if (services::catalogue::wins_over(*there->second.song, row)) {
        merged.stale.push_back(*there->second.song);
      }
    }
    if (merged.changed() && listener_) listener_();
    return merged;
  }

  /// It is the song's row from now on. Several stores may share it.
  void place(const std::shared_ptr<const core::Song>& song) {
    const auto shard = services::catalogue::shard_of(*song);
    digests_[shard].add(services::catalogue::version_of(*song));
    by_sequence_[++head_.sequence] = song;
    rows_[song->id] = {song, head_.sequence};
  }

  core::Task<core::Result<std::vector<services::catalogue::RowsDigest>>> digests() override {
    co_return digests_;
  }
  core::Task<core::Result<std::vector<services::catalogue::RowVersion>>> versions(
      std::uint32_t shard, core::SongId after, std::size_t limit) override {
    std::vector<services::catalogue::RowVersion> versions;
    for (auto row = rows_.upper_bound(after); row != rows_.end() && versions.size() < limit; ++row)
      if (services::catalogue::shard_of(*row->second.song) == shard)
        versions.push_back(services::catalogue::version_of(*row->second.song));
    co_return versions;
  }
  core::Task<core::Result<std::vector<core::Song>>> rows(std::vector<core::SongId> ids) override {
    std::vector<core::Song> found;
    for (const auto& id : ids)
      if (const auto row = rows_.find(id); row != rows_.end()) found.push_back(*row->second.song);
    co_return found;
  }
  core::Task<core::Result<Changes>> changes(std::uint64_t after, std::vector<std::uint32_t> shards,
                                            std::size_t limit) override {
    const std::set<std::uint32_t> wanted(shards.begin(), shards.end());
    Changes changes{.songs = {}, .last = after};
    auto row = by_sequence_.upper_bound(after);
    for (; row != by_sequence_.end() && changes.songs.size() < limit; ++row) {
      changes.last = row->first;
      const auto& song = *row->second;
      if (wanted.contains(services::catalogue::shard_of(song))) changes.songs.push_back(song);
    }
    if (row == by_sequence_.end()) changes.last = std::max(after, head_.sequence);
    co_return changes;
  }
  core::Task<core::Result<Head>> head() override { co_return head_; }
  void on_change(std::function<void()> listener) override { listener_ = std::move(listener); }

  std::map<core::SongId, core::Song> all() const {
    std::map<core::SongId, core::Song> all;
    for (const auto& [id, row] : rows_) all.emplace(id, *row.song);
    return all;
  }
  std::optional<core::Song> row(const core::SongId& id) const {
    const auto found = rows_.find(id);
    return found == rows_.end() ? std::nullopt : std::optional(*found->second.song);
  }
  bool has(const core::Song& song) const {
    const auto row = rows_.find(song.id);
    return row != rows_.end() && *row->second.song == song;
  }
  /// Loses everything, as when the disk was replaced.
  void lose_all(std::string_view new_database) {
    auto listener = std::move(listener_);
    *this = MemoryRowStore(new_database);
    listener_ = std::move(listener);
  }

 private:
  struct Row {
    std::shared_ptr<const core::Song> song;
    std::uint64_t sequence = 0;
  };

  std::map<core::SongId, Row> rows_;
  std::map<std::uint64_t, std::shared_ptr<const core::Song>> by_sequence_;
  std::vector<services::catalogue::RowsDigest> digests_;
  Head head_;
  std::function<void()> listener_;
};

}  // namespace kadenza::sim
