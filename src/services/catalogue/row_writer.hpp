// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <map>

#include "core/error.hpp"
#include "core/song.hpp"
#include "services/catalogue/album_rows.hpp"
#include "services/catalogue/artist_rows.hpp"
#include "services/catalogue/catalogue.hpp"
#include "services/catalogue/connection.hpp"
#include "services/catalogue/genre_rows.hpp"
#include "services/catalogue/row_version.hpp"
#include "services/catalogue/writing.hpp"

namespace kadenza::services::catalogue {

/// Adds songs to the catalogue's tables and takes them out again, with all sums, counts, lists and digests
/// that follow from them: the tables depend on the set of songs alone, not on the order in which they came,
/// except for positions in a burst. Lives within one transaction; finish() must be its last call.
class RowWriter {
 public:
  explicit RowWriter(Connection& connection);

  /// No song with this id may be there.
  core::Result<void> add(const core::Song& song);
  /// `song` must be there as given.
  core::Result<void> remove(const core::Song& song);
  core::Result<void> finish();

 private:
  /// Consecutive positions that are all taken, from `begin` up to `end`, exclusive.
  struct Taken {
    std::int64_t begin = 0, end = 0;
  };

  core::Result<Position> free_position(const core::Song& song);
  core::Result<RowsDigest*> digest_of(std::uint8_t shard);

  Connection& connection_;
  Writing writing_;
  ArtistRows artists_;
  GenreRows genres_;
  AlbumRows albums_;
  std::map<std::uint8_t, RowsDigest> digests_;  ///< of the shards that were written to
  Taken taken_;
};

}  // namespace kadenza::services::catalogue
