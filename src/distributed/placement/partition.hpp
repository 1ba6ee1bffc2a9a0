// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>

#include "core/ids.hpp"
#include "distributed/kademlia/distance.hpp"

namespace kadenza::distributed::placement {

/// The keys that begin with the same bits: they share their holders, so one lookup serves them all. What is
/// placed is named by the key of its partition: the prefix, padded with zeros.
struct Partition {
  kademlia::Key key;

  friend auto operator<=>(const Partition&, const Partition&) = default;
};

/// The partition of a song.
Partition partition_of(const core::SongId& id, unsigned partition_bits);

/// Where catalogue shard `shard` lies: at the SHA-256 of its name, as a partition of its own.
Partition partition_of_shard(std::uint32_t shard);

}  // namespace kadenza::distributed::placement
