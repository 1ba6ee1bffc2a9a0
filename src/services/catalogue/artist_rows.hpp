// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <set>
#include <string_view>

#include "core/error.hpp"
#include "services/catalogue/writing.hpp"

namespace kadenza::services::catalogue {

/// Keeps the table of artists and the lists of their songs. A song that goes may have been the one that named
/// the artist: settle() then looks at all of the artist's songs, once for all changes of a transaction.
class ArtistRows {
 public:
  explicit ArtistRows(Writing& writing) : writing_(writing) {}

  /// The artist's position; a new one gets a row. `listed`: named as an album's artist.
  std::int64_t ensure(const StoredSong& song, std::string_view name, bool listed);
  void add_song(const StoredSong& song, std::int64_t artist);
  void remove_song(const StoredSong& song, std::int64_t artist);
  void count_album(std::int64_t artist, std::int64_t difference);

  /// After the albums are settled.
  core::Result<void> settle();

 private:
  std::int64_t create(const StoredSong& song, const core::ArtistId& id, std::string_view name, bool listed);
  void rename(std::int64_t artist, std::string_view name);
  core::Result<void> look_again(std::int64_t artist);
  void erase(std::int64_t artist);

  Writing& writing_;
  std::set<std::int64_t> unsettled_;
};

}  // namespace kadenza::services::catalogue
