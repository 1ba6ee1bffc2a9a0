// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/catalogue/permutation.hpp"

#include <bit>

#include "core/check.hpp"

namespace kadenza::services::catalogue {
namespace {

constexpr unsigned kRounds = 4;

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
std::uint64_t mix(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15U;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9U;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebU;
  return value ^ (value >> 31);
}

}  // namespace

Permutation::Permutation(std::uint64_t seed, std::uint64_t size)
    : seed_(mix(seed)),
      size_(size),
      half_bits_(size <= 1 ? 1 : (static_cast<unsigned>(std::bit_width(size - 1)) + 1) / 2) {}

std::uint64_t Permutation::at(std::uint64_t place) const {
  KADENZA_CHECK(place < size_);
  const std::uint64_t mask = (std::uint64_t{1} << half_bits_) - 1;
  do {
    std::uint64_t left = place >> half_bits_, right = place & mask;
    for (unsigned round = 0; round < kRounds; ++round) {
      const auto next = left ^ (mix(seed_ ^ mix(right * kRounds + round)) & mask);
      left = right;
      right = next;
    }
    place = left << half_bits_ | right;
  } while (place >= size_);
  return place;
}

}  // namespace kadenza::services::catalogue
