// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/cluster/settings.hpp"

#include <algorithm>
#include <bit>

#include <fmt/format.h>

namespace kadenza::distributed::cluster {
namespace {

constexpr std::uint32_t kReplicasMax = 16;
constexpr std::uint32_t kCandidatesMax = 40;
constexpr std::uint32_t kPartitionBitsMax = 24;

}  // namespace

using core::Errc;
using core::fail;

core::Result<std::uint32_t> Settings::bits_for(std::uint32_t count) {
  if (!std::has_single_bit(count) || count > std::uint32_t{1} << kPartitionBitsMax) {
    return fail(Errc::kInvalidArgument,
                fmt::format("{} partitions: their number is a power of 2 from 1 to {}", count,
                            std::uint32_t{1} << kPartitionBitsMax));
  }
  return static_cast<std::uint32_t>(std::countr_zero(count));
}

std::size_t Settings::write_quorum_of(std::size_t members) const noexcept {
  return std::max<std::size_t>(1, std::min<std::size_t>(write_quorum, members));
}

std::size_t Settings::read_quorum_of(std::size_t members) const noexcept {
  const auto holders = std::max<std::size_t>(1, std::min<std::size_t>(replicas, members));
  return holders - std::min(holders, write_quorum_of(members)) + 1;
}

std::string Settings::text() const {
  return fmt::format("{} replicas, write quorum {}, {} candidates, {} partitions", replicas, write_quorum,
                     candidates, partitions());
}

core::Result<void> Settings::check() const {
  if (replicas < 1 || replicas > kReplicasMax) {
    return fail(Errc::kInvalidArgument,
                fmt::format("{} replicas of each song; give 1 to {}", replicas, kReplicasMax));
  }
  if (write_quorum < 1 || write_quorum > replicas) {
    return fail(Errc::kInvalidArgument,
                fmt::format("a write quorum of {} of {} replicas; give 1 to {}, or more replicas",
                            write_quorum, replicas, replicas));
  }
  if (candidates < replicas || candidates > kCandidatesMax) {
    return fail(Errc::kInvalidArgument,
                fmt::format("{} candidates for {} replicas; give {} (the replicas) to {}", candidates,
                            replicas, replicas, kCandidatesMax));
  }
  if (partition_bits > kPartitionBitsMax) {
    return fail(Errc::kInvalidArgument, fmt::format("2^{} partitions; give an exponent of 0 to {}",
                                                    partition_bits, kPartitionBitsMax));
  }
  return {};
}

}  // namespace kadenza::distributed::cluster
