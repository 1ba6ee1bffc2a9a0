// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/error.hpp"
#include "services/catalogue/writing.hpp"

namespace kadenza::services::catalogue {

/// Genres by key, each once, without those that normalise to nothing.
std::vector<std::pair<std::string, std::string>> keyed(const std::vector<std::string>& genres);

/// Keeps the table of genres, and the lists of their songs and albums. settle() looks at all songs of a genre
/// when the one that named it has gone.
class GenreRows {
 public:
  explicit GenreRows(Writing& writing) : writing_(writing) {}

  void add_song(const StoredSong& song);
  void remove_song(const StoredSong& song);
  /// The genre must have a song.
  void add_album(const std::string& key, std::int64_t album);
  void remove_album(const std::string& key, std::int64_t album);

  /// After the albums are settled.
  core::Result<void> settle();

 private:
  std::int64_t ensure(const StoredSong& song, const std::string& key, const std::string& name);
  std::int64_t number(const std::string& key);
  core::Result<void> look_again(std::int64_t genre);

  Writing& writing_;
  std::set<std::int64_t> unsettled_;
};

}  // namespace kadenza::services::catalogue
