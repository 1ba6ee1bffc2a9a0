// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/placement/order.hpp"

#include <algorithm>
#include <bit>
#include <tuple>
#include <utility>

#include "distributed/kademlia/distance.hpp"

namespace kadenza::distributed::placement {
namespace {

__extension__ using Wide = unsigned __int128;

/// The finaliser of MurmurHash3: every bit of the input decides about every bit of the output.
std::uint64_t mix(std::uint64_t word) noexcept {
  word = (word ^ (word >> 33)) * 0xff51afd7ed558ccdu;
  word = (word ^ (word >> 33)) * 0xc4ceb9fe1a85ec53u;
  return word ^ (word >> 33);
}

std::uint64_t hash(const core::NodeId& member, const Partition& partition) noexcept {
  std::uint64_t state = 0;
  for (int word = 0; word < 4; ++word) {
    state = mix(state ^ kademlia::big_endian_word(member.bytes.data() + 8 * word));
    state = mix(state + kademlia::big_endian_word(partition.key.bytes.data() + 8 * word));
  }
  return state;
}

constexpr int kFractionBits = 56;

/// 64 − log2(value) for a value of 1 … 2^64 − 1, with kFractionBits binary places: each squaring of the
/// mantissa gives one more.
std::uint64_t missing_log2(std::uint64_t value) noexcept {
  const int zeros = std::countl_zero(value);
  std::uint64_t mantissa = value << zeros;  // in [1, 2), with 63 binary places
  std::uint64_t fraction = 0;
  for (int place = 0; place < kFractionBits; ++place) {
    const Wide square = static_cast<Wide>(mantissa) * mantissa;
    const bool carries = (square >> 127) != 0;
    mantissa = static_cast<std::uint64_t>(square >> (carries ? 64 : 63));
    fraction = fraction << 1 | (carries ? 1 : 0);
  }
  return ((static_cast<std::uint64_t>(zeros) + 1) << kFractionBits) - fraction;
}

}  // namespace

std::uint64_t reluctance(const core::NodeId& member, std::uint8_t capacity_class,
                         const Partition& partition) noexcept {
  const std::uint64_t hashed = hash(member, partition);
  return missing_log2(hashed == 0 ? 1 : hashed) >> capacity_class;
}

std::vector<kademlia::Contact> order(const Partition& partition, std::span<const kademlia::Contact> members,
                                     std::size_t candidates) {
  std::vector<std::pair<kademlia::Distance, const kademlia::Contact*>> near;
  near.reserve(members.size());
  for (const auto& member : members) {
    if (member.capacity_class != 0) near.emplace_back(kademlia::distance(member.id, partition.key), &member);
  }
  const std::size_t kept = std::min(candidates, near.size());
  std::ranges::nth_element(near, near.begin() + static_cast<std::ptrdiff_t>(kept));
  near.resize(kept);

  std::vector<std::pair<std::uint64_t, const kademlia::Contact*>> willing;
  willing.reserve(kept);
  for (const auto& [distance, member] : near) {
    willing.emplace_back(reluctance(member->id, member->capacity_class, partition), member);
  }
  std::ranges::sort(willing, [](const auto& a, const auto& b) {
    return std::tie(a.first, a.second->id) < std::tie(b.first, b.second->id);
  });
  std::vector<kademlia::Contact> ordered;
  ordered.reserve(kept);
  for (const auto& [cost, member] : willing) ordered.push_back(*member);
  return ordered;
}

}  // namespace kadenza::distributed::placement
