// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/sha256.hpp"
#include "core/song.hpp"
#include "distributed/placement/partition.hpp"

namespace kadenza::distributed::repair {

/// Only what the tree looks at.
inline core::Song song_with(core::SongId id, std::uint64_t audio = 1, std::uint64_t size = 1000) {
  core::Song song;
  song.id = id;
  song.audio = core::sha256("audio " + std::to_string(audio));
  song.size = size;
  return song;
}
inline core::Song numbered_song(std::uint64_t number, std::uint64_t audio = 1) {
  return song_with({core::sha256("song " + std::to_string(number)).bytes}, audio, 1000 + number);
}

/// All 2^bits of them, in ascending order; those of fewer bits are among them. At most 16 bits.
inline std::vector<placement::Partition> all_partitions(unsigned bits) {
  std::vector<placement::Partition> all(std::size_t{1} << bits);
  for (std::size_t number = 0; number < all.size(); ++number) {
    const auto prefix = static_cast<std::uint32_t>(number << (16 - bits));
    all[number].key.bytes[0] = static_cast<std::uint8_t>(prefix >> 8);
    all[number].key.bytes[1] = static_cast<std::uint8_t>(prefix & 0xff);
  }
  return all;
}

}  // namespace kadenza::distributed::repair
