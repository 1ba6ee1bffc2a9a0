// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/ids.hpp"
#include "core/task.hpp"
#include "distributed/cluster/settings.hpp"
#include "distributed/kademlia/contact.hpp"
#include "distributed/placement/directory.hpp"
#include "distributed/repair/branch.hpp"
#include "distributed/replication/holder.hpp"
#include "distributed/replication/remote_replicas.hpp"
#include "services/library/song_store.hpp"

namespace kadenza::distributed::repair {

/// Copies songs to this node in the background, at repair's pace. Every chunk is verified; a song is there,
/// durably, or not at all. Thread-safe.
class Fetcher {
 public:
  struct Parts {
    replication::Holder& holder;
    services::library::SongStore& songs;
    placement::Directory& directory;
    replication::RemoteReplicas& records;   ///< small as they are, they do not wait for the pace
    replication::RemoteReplicas& replicas;  ///< over calls that keep to it
    const core::Clock& clock;
    cluster::Settings settings;
    std::uint64_t bytes_per_second = 0;  ///< of the pace: gives songs their time
  };
  explicit Fetcher(Parts parts) : parts_(std::move(parts)) {}

  /// Makes this node a holder of the song, as `source` has it; of two records of one song the winner stays.
  /// The bytes that were copied: 0 when what is here stays.
  core::Task<core::Result<std::uint64_t>> fetch(HeldCopy wanted, kademlia::Contact source);

  /// Replaces what the disk lost of a held song, from any other holder.
  core::Task<core::Result<void>> mend(core::SongId id);

 private:
  core::Deadline limit_for(std::uint64_t bytes) const;

  const Parts parts_;
};

}  // namespace kadenza::distributed::repair
