// SPDX-License-Identifier: AGPL-3.0-or-later
#include "core/music_library.hpp"

#include <utility>

namespace kadenza::core {

Tags TagOverrides::apply_to(Tags tags) const {
  const auto take = [](auto& value, const auto& given) {
    if (given) value = *given;
  };
  take(tags.title, title);
  take(tags.artist, artist);
  take(tags.album, album);
  take(tags.album_artist, album_artist);
  take(tags.track, track);
  take(tags.disc, disc);
  take(tags.year, year);
  take(tags.genres, genres);
  return tags;
}

}  // namespace kadenza::core
