// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/ids.hpp"
#include "core/network.hpp"
#include "core/task.hpp"
#include "distributed/cluster/settings.hpp"
#include "distributed/placement/directory.hpp"
#include "distributed/streaming/replicas.hpp"
#include "services/library/song_store.hpp"

namespace kadenza::distributed {

/// Who has the song: the first 2 R live candidates of its order are asked, this node's own store included.
core::Task<core::Result<std::vector<core::SongHolder>>> song_holders(
    core::SongId id, services::library::SongStore& own, streaming::Replicas& replicas,
    placement::Directory& directory, cluster::Settings settings, core::Deadline deadline);

}  // namespace kadenza::distributed
