// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>

namespace kadenza::services::catalogue {

/// A random-looking order of 0 … size−1 that is computed, not stored: a four-round Feistel network keyed by
/// the seed over the next power of four, walked until it lands inside the range (Black and Rogaway 2002,
/// "cycle walking"). The same seed and size always give the same order.
class Permutation {
 public:
  Permutation(std::uint64_t seed, std::uint64_t size);
  /// Which element comes at `place`, which must be below the size.
  std::uint64_t at(std::uint64_t place) const;

 private:
  std::uint64_t seed_;
  std::uint64_t size_;
  unsigned half_bits_;
};

}  // namespace kadenza::services::catalogue
