// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "distributed/kademlia/contact.hpp"
#include "distributed/placement/partition.hpp"

namespace kadenza::distributed::placement {

/// How little a member wants a partition: −log2(u) / weight, where u in (0, 1] is a hash of both and the
/// weight doubles with each capacity class. The members in ascending order of it are the weighted rendezvous
/// order (Thaler and Ravishankar 1998; weights as in Schindelhauer and Schomaker 2005): each member is first
/// with a probability proportional to its weight, and a member that joins or leaves changes nobody else's
/// relative order. Fixed-point, so that all machines agree to the last bit.
std::uint64_t reluctance(const core::NodeId& member, std::uint8_t capacity_class,
                         const Partition& partition) noexcept;

/// The order of a partition among `members`: the `candidates` of them that are nearest to it by Kademlia's
/// distance, most willing first. Members of class 0 store nothing and have no place. Pure; `members` in any
/// order, without repetitions.
std::vector<kademlia::Contact> order(const Partition& partition, std::span<const kademlia::Contact> members,
                                     std::size_t candidates);

}  // namespace kadenza::distributed::placement
