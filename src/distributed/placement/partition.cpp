// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/placement/partition.hpp"

#include <string_view>

#include <fmt/format.h>

#include "core/sha256.hpp"

namespace kadenza::distributed::placement {

Partition partition_of(const core::SongId& id, unsigned partition_bits) {
  Partition partition;
  for (unsigned bit = 0; bit < partition_bits; bit += 8) {
    const unsigned kept = partition_bits - bit < 8 ? partition_bits - bit : 8;
    partition.key.bytes[bit / 8] = static_cast<std::uint8_t>(id.bytes[bit / 8] & (0xff00u >> kept));
  }
  return partition;
}

Partition partition_of_shard(std::uint32_t shard) {
  return {kademlia::Key{core::sha256(fmt::format("kadenza catalogue shard {}", shard)).bytes}};
}

}  // namespace kadenza::distributed::placement
