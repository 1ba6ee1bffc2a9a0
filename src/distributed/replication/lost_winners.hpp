// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <functional>

#include "core/song.hpp"
#include "core/task.hpp"
#include "services/library/row_store.hpp"
#include "services/library/song_store.hpp"

namespace kadenza::distributed::replication {

/// Finds the held records that lost against a row of the catalogue, and gives each such row to `take`. The
/// row is stored before the record is replaced, so a node that died in between knows the winner and holds the
/// loser; nobody will tell it again. For the start. Both stores must outlive the coroutine.
core::Task<void> find_lost_winners(services::library::SongStore& songs, services::library::RowStore& rows,
                                   std::function<void(core::Song)> take);

}  // namespace kadenza::distributed::replication
