// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/song.hpp"
#include "core/task.hpp"
#include "distributed/kademlia/contact.hpp"
#include "distributed/replication/remote_replicas.hpp"
#include "services/library/song_store.hpp"

namespace kadenza::distributed::replication {

/// Copies a song from nodes that have it into `into`, chunk by verified chunk, a few pieces on their way at
/// once. A source that fails or sends wrong bytes is left, and the next one goes on at the same byte; the
/// error is that of the last source. Must be awaited on a strand or a single thread.
core::Task<core::Result<void>> pull_audio(RemoteReplicas& replicas, const core::SongRecord& record,
                                          std::vector<kademlia::Contact> sources,
                                          services::library::IncomingSong& into, core::Deadline deadline);

/// The cover of the song, verified; nothing when it has none.
core::Task<core::Result<std::optional<core::Image>>> pull_cover(RemoteReplicas& replicas,
                                                                const core::Song& song,
                                                                std::vector<kademlia::Contact> sources,
                                                                core::Deadline deadline);

}  // namespace kadenza::distributed::replication
