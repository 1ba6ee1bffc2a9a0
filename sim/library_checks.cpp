// SPDX-License-Identifier: AGPL-3.0-or-later
#include "sim/library_checks.hpp"

#include <algorithm>
#include <map>
#include <vector>

#include <fmt/format.h>

namespace kadenza::sim {
namespace {

using Rows = std::map<core::SongId, core::Song>;

std::optional<std::string> members_differ(LibraryWorld& world) {
  std::vector<core::NodeId> members;
  for (const auto& host : world.hosts()) {
    if (host.member) members.push_back(host.id);
  }
  std::ranges::sort(members);
  for (const auto* host : world.running()) {
    const auto theirs = host->running()->enrolled().members();
    if (theirs != members) {
      return fmt::format("{} knows {} members of {}, or others", host->id.text(), theirs.size(),
                         members.size());
    }
  }
  return std::nullopt;
}

std::optional<std::string> catalogues_differ(LibraryWorld& world, const Rows& rows) {
  for (const auto* host : world.running()) {
    const auto theirs = host->rows.all();
    if (theirs != rows) {
      return fmt::format("{} has another catalogue than the first host ({} rows, {} rows)", host->id.text(),
                         theirs.size(), rows.size());
    }
  }
  for (const auto& [key, song] : world.acknowledged()) {
    if (!rows.contains(song.id)) return fmt::format("song {} is in no catalogue", song.id.text());
  }
  return std::nullopt;
}

std::optional<std::string> loser_is_held(LibraryWorld& world, const Rows& rows) {
  Rows records;
  for (const auto* host : world.running()) {
    for (const auto& id : host->disk.ids()) {
      const auto row = rows.find(id);
      if (row == rows.end()) return fmt::format("song {} is held, and in no catalogue", id.text());
      const auto& held = host->disk.record(id)->song;
      if (world.intact_copies(row->second) > 0 && held.audio != row->second.audio) {
        return fmt::format("{} holds a record of song {} that lost", host->id.text(), id.text());
      }
      const auto& first = records.try_emplace(id, held).first->second;
      if (held != first) return fmt::format("the records of song {} differ", id.text());
      if (!host->disk.intact(id) && world.intact_copies(row->second) > 0) {
        return fmt::format("{} has a rotten copy of song {}", host->id.text(), id.text());
      }
    }
  }
  return std::nullopt;
}

std::optional<std::string> copies_are_missing(LibraryWorld& world, const Rows& rows) {
  const auto running = world.running();
  const bool small_disks =
      std::ranges::any_of(running, [](const LibraryHost* host) { return host->disk.capacity != UINT64_MAX; });
  const auto wanted = std::min<std::size_t>(world.options().settings.replicas, running.size());
  for (const auto& [id, song] : rows) {
    const auto copies = world.intact_copies(song);
    if (copies == 0) continue;  // nobody was told that it is stored, or the world would have said so
    if (copies < wanted) return fmt::format("song {} has {} copies", id.text(), copies);
    if (small_disks) continue;  // who has no room is passed over
    const auto order = world.order_of(id);
    for (std::size_t rank = 0; rank < order.size(); ++rank) {
      const bool holds = order[rank]->disk.holds(id);
      if (holds != (rank < wanted)) {
        return fmt::format("song {} is {} on rank {} of its partition", id.text(),
                           holds ? "still" : "not yet", rank + 1);
      }
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> what_is_missing(LibraryWorld& world) {
  const auto rows = world.running().front()->rows.all();
  if (auto missing = members_differ(world)) return missing;
  if (auto missing = catalogues_differ(world, rows)) return missing;
  if (auto missing = loser_is_held(world, rows)) return missing;
  return copies_are_missing(world, rows);
}

}  // namespace kadenza::sim
