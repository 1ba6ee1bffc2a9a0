// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/cluster/settings.hpp"

#include <fmt/format.h>

namespace kadenza::distributed::cluster {
namespace {

constexpr std::uint32_t kReplicasMax = 16;
constexpr std::uint32_t kCandidatesMax = 40;
constexpr std::uint32_t kPartitionBitsMax = 24;

}  // namespace

core::Result<void> Settings::check() const {
  using core::Errc;
  using core::fail;
  if (replicas < 1 || replicas > kReplicasMax) {
    return fail(Errc::kInvalidArgument,
                fmt::format("there are {} replicas of everything; give 1 to {}", replicas, kReplicasMax));
  }
  if (write_quorum < 1 || write_quorum > replicas) {
    return fail(Errc::kInvalidArgument, fmt::format("a write waits for {} copies of {}; give 1 to {}",
                                                    write_quorum, replicas, replicas));
  }
  if (candidates < replicas || candidates > kCandidatesMax) {
    return fail(Errc::kInvalidArgument,
                fmt::format("holders are chosen among {} candidates; give {} (the replicas) to {}",
                            candidates, replicas, kCandidatesMax));
  }
  if (partition_bits > kPartitionBitsMax) {
    return fail(Errc::kInvalidArgument, fmt::format("2^{} partitions; give an exponent of 0 to {}",
                                                    partition_bits, kPartitionBitsMax));
  }
  return {};
}

}  // namespace kadenza::distributed::cluster
