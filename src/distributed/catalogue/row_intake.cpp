// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/catalogue/row_intake.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include <spdlog/spdlog.h>

#include "distributed/catalogue/limits.hpp"
#include "distributed/messages/song_message.hpp"
#include "song.pb.h"

namespace kadenza::distributed::catalogue {

using core::Errc;
using core::Result;
using core::Song;

void fill(RowIntake::Messages& messages, const std::vector<Song>& rows) {
  for (const auto& row : rows) messages::to_message(row, *messages.Add());
}

Result<std::vector<Song>> RowIntake::checked(const Messages& messages) {
  if (std::cmp_greater(messages.size(), kRowsPerMessage))
    return core::fail(Errc::kInvalidArgument, "a message has too many rows");
  const auto latest = clock_.wall_now() + std::chrono::ceil<std::chrono::milliseconds>(kClockSkewMax);
  std::vector<Song> rows;
  for (const auto& message : messages) {
    auto row = messages::song_from(message);
    const bool stored = row && row->first_stored > core::WallTime{} && row->first_stored <= latest;
    if (stored) {
      rows.push_back(std::move(*row));
      continue;
    }
    ++counters_.refused;
    spdlog::debug("refused a row of another node: {}",
                  row ? "it was stored in the future or never" : row.error().detail);
  }
  return rows;
}

core::Task<Result<std::vector<Song>>> RowIntake::take(const Messages& messages) {
  KADENZA_CO_TRY(auto rows, checked(messages));
  co_return co_await merge(std::move(rows));
}

core::Task<Result<std::vector<Song>>> RowIntake::merge(std::vector<Song> rows) {
  std::map<core::SongId, Song> best;
  for (const auto& row : rows) {
    const auto [there, first] = best.emplace(row.id, row);
    if (!first && services::catalogue::wins_over(row, there->second)) there->second = row;
  }
  std::vector<Song> winners;
  if (rows.empty()) co_return winners;
  auto merged = co_await rows_.merge(std::move(rows));
  if (!merged) co_return std::unexpected(std::move(merged).error());
  counters_.added += merged->added;
  counters_.superseded += merged->superseded.size();
  if (on_superseded_) {
    for (const auto& loser : merged->superseded) on_superseded_(loser, best.at(loser.id));
  }
  co_return std::move(merged->stale);
}

}  // namespace kadenza::distributed::catalogue
