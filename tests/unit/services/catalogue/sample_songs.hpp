// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <chrono>
#include <string>

#include "core/identity.hpp"
#include "core/sha256.hpp"
#include "core/song.hpp"

namespace kadenza::services {

/// Thursday, 1 January 2026, plus so many milliseconds.
inline core::WallTime at_ms(std::int64_t ms) {
  return core::WallTime(std::chrono::milliseconds(1'767'225'600'000 + ms));
}

/// A song with every field that its id and its audio decide.
inline core::Song sample_song(core::Tags tags, std::int64_t stored_ms = 0) {
  core::Song song;
  song.id = core::song_id(tags.title, tags.artist, tags.album);
  song.audio = core::sha256(tags.title + "|" + tags.artist + "|" + tags.album);
  song.tags = std::move(tags);
  song.properties = {.format = core::AudioFormat::kFlac,
                     .duration = std::chrono::seconds(200),
                     .bit_rate = 900'000,
                     .sample_rate = 44'100,
                     .channels = 2,
                     .bits_per_sample = 16};
  song.size = 1'000'000;
  song.first_stored = at_ms(stored_ms);
  return song;
}

}  // namespace kadenza::services
