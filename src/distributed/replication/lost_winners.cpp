// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/replication/lost_winners.hpp"

#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include <spdlog/spdlog.h>

namespace kadenza::distributed::replication {
namespace {

constexpr std::size_t kAtATime = 500;

}  // namespace

core::Task<void> find_lost_winners(services::library::SongStore& songs, services::library::RowStore& rows,
                                   std::function<void(core::Song)> take) {
  std::optional<core::SongId> after;
  while (true) {
    const auto held = co_await songs.held(after, kAtATime);
    if (!held) {
      spdlog::warn("cannot compare the songs held with the catalogue: {}", held.error().detail);
      co_return;
    }
    std::unordered_map<core::SongId, const core::Song*> by_id;
    std::vector<core::SongId> ids;
    for (const auto& song : *held) {
      by_id.emplace(song.id, &song);
      ids.push_back(song.id);
    }
    auto known = co_await rows.rows(std::move(ids));
    if (!known) {
      spdlog::warn("cannot compare the catalogue with the songs held: {}", known.error().detail);
      co_return;
    }
    for (auto& row : *known) {
      if (services::library::wins_over(row, *by_id.at(row.id))) take(std::move(row));
    }
    if (held->size() < kAtATime) co_return;
    after = held->back().id;
  }
}

}  // namespace kadenza::distributed::replication
