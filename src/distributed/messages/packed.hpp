// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace kadenza::distributed::messages {

/// Lists in messages whose items all have the same length: their bytes one after the other, numbers in eight
/// of them, the highest first.
inline void append_word(std::string& packed, std::uint64_t word) {
  for (int shift = 56; shift >= 0; shift -= 8) packed.push_back(static_cast<char>(word >> shift & 0xff));
}

/// The eight bytes from `at` on, which must be there.
inline std::uint64_t word_at(std::span<const std::uint8_t> bytes, std::size_t at) {
  std::uint64_t word = 0;
  for (const auto byte : bytes.subspan(at, 8)) word = word << 8 | byte;
  return word;
}

inline std::span<const std::uint8_t> bytes_in(std::string_view packed) {
  return {reinterpret_cast<const std::uint8_t*>(packed.data()), packed.size()};
}

}  // namespace kadenza::distributed::messages
