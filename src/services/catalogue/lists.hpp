// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>

namespace kadenza::services::catalogue {

// song_lists.list says whose songs a list has: everything, a genre's or an artist's.
inline constexpr std::int64_t kAllSongs = 0;
constexpr std::int64_t songs_of_genre(std::int64_t genre) {
  return 2 * genre;
}
constexpr std::int64_t songs_of_artist(std::int64_t artist) {
  return 2 * artist + 1;
}

/// album_lists.genre of the list of all albums; genres are numbered from 1.
inline constexpr std::int64_t kAllAlbums = 0;

}  // namespace kadenza::services::catalogue
