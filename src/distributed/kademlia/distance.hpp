// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <cstring>

#include "core/ids.hpp"
#include "core/random.hpp"

namespace kadenza::distributed::kademlia {

using core::NodeId;

/// A point of the 256-bit id space that a lookup searches for: a node's id, a song's, a partition's prefix.
using Key = core::NodeId;

inline constexpr int kIdBits = 256;

/// The XOR distance between two points (Maymounkov and Mazières, 2002), most significant word first.
struct Distance {
  std::array<std::uint64_t, 4> words{};

  friend auto operator<=>(const Distance&, const Distance&) = default;

  /// How many leading bits two points at this distance share: 0 … 256.
  int leading_zeros() const noexcept {
    for (int i = 0; i < 4; ++i) {
      if (words[i] != 0) return i * 64 + std::countl_zero(words[i]);
    }
    return kIdBits;
  }

  /// Bit `index` counted from the most significant, 0 … 255.
  bool bit(int index) const noexcept { return (words[index / 64] >> (63 - index % 64)) & 1; }

  /// The next greater distance; the greatest stays.
  Distance next() const noexcept {
    Distance result = *this;
    for (int i = 3; i >= 0; --i) {
      if (++result.words[i] != 0) return result;
    }
    return *this;
  }

  static Distance max() noexcept { return {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}}; }

  /// As a fraction of the whole id space, in [0, 1).
  double fraction() const noexcept { return static_cast<double>(words[0]) * 0x1p-64; }
};

inline std::uint64_t big_endian_word(const std::uint8_t* bytes) noexcept {
  static_assert(std::endian::native == std::endian::little);
  std::uint64_t word;
  std::memcpy(&word, bytes, sizeof word);
  return __builtin_bswap64(word);
}

inline Distance distance(const Key& a, const Key& b) noexcept {
  Distance result;
  for (int i = 0; i < 4; ++i) {
    result.words[i] = big_endian_word(a.bytes.data() + 8 * i) ^ big_endian_word(b.bytes.data() + 8 * i);
  }
  return result;
}

/// A random point that shares exactly `shared_bits` (0 … 255) leading bits with `base`.
Key random_key_at(const NodeId& base, int shared_bits, core::Random& random);

/// A random point anywhere.
Key random_key(core::Random& random);

}  // namespace kadenza::distributed::kademlia
