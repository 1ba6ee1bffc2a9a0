// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "core/sha256.hpp"
#include "core/song.hpp"

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

}  // namespace kadenza::distributed::repair
