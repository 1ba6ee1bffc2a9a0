// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/ids.hpp"
#include "core/music_library.hpp"
#include "core/song.hpp"
#include "services/catalogue/database.hpp"

namespace kadenza::services::catalogue {

/// Where a row lies in search results: larger positions are newer, and each kind of row has its own range.
/// Local to this database; never leaves the node.
using Position = std::uint32_t;

/// A row with what search needs beside it.
template <class T>
struct Row {
  Position position = 0;
  core::WallTime newest{};  ///< of the song, or of the newest song of the album or artist
  T item;
};

/// Rows in the order in which they came, for what is derived from the catalogue.
struct Changes {
  std::vector<Row<core::Song>> songs;
  std::vector<Row<core::Album>> albums;    ///< that came, or were named anew, with one of these songs
  std::vector<Row<core::Artist>> artists;  ///< likewise
  struct Removed {
    std::vector<Position> songs, albums, artists;
  } removed;               ///< forget these before taking in the rows above: places are used again
  std::uint64_t last = 0;  ///< pass it on to get the next; unchanged: nothing is new
};

/// The rows that lists, albums and artists are made of. Each row carries its catalogue shard. Sums and
/// counts are kept with every change, so every page costs the same wherever it lies. Thread-safe; calls
/// block on the disk. `database` must outlive the catalogue. A cursor that is not one of the list it is
/// given to answers kInvalidArgument; so does a limit outside 1 … kPageLimitMax.
class Catalogue {
 public:
  explicit Catalogue(Database& database) : database_(database) {}

  struct Merged {
    std::size_t added = 0;               ///< rows of songs that had none
    std::vector<core::Song> superseded;  ///< rows that lost against a given one, as they were
    std::vector<core::Song> stale;       ///< rows that stay because they win over a given one
    bool changed() const { return added > 0 || !superseded.empty(); }
  };
  /// Of all rows that a song ever had, the one that wins stays (wins_over), whatever the order.
  core::Result<Merged> merge(Transaction& transaction, std::span<const core::Song> songs);
  /// The same in a transaction of its own.
  core::Result<Merged> merge(std::span<const core::Song> songs);

  core::Result<core::Song> song(core::SongId id) const;  ///< kNotFound
  core::Result<core::Page<core::Song>> songs(const core::SongListRequest& request) const;
  core::Result<core::Page<core::Album>> albums(const core::AlbumListRequest& request) const;
  core::Result<core::AlbumDetail> album(core::AlbumId id) const;  ///< kNotFound
  core::Result<core::Page<core::Artist>> artists(const core::PageRequest& page) const;
  core::Result<core::ArtistDetail> artist(core::ArtistId id) const;  ///< kNotFound
  core::Result<core::Page<core::Genre>> genres(const core::PageRequest& page) const;
  core::Result<core::Genre> genre(std::string_view name) const;  ///< kNotFound
  core::Result<core::LibraryTotals> totals() const;

  // ---- for search

  /// What came after change `after`: up to `limit` songs, with the albums and artists that came with them,
  /// and what went.
  core::Result<Changes> changes(std::uint64_t after, std::size_t limit) const;
  core::Result<std::uint64_t> last_change() const;

  struct Rows {
    std::vector<Row<core::Song>> songs;
    std::vector<Row<core::Album>> albums;
    std::vector<Row<core::Artist>> artists;
  };
  /// The rows at these positions, in this order; positions without a row are left out.
  core::Result<Rows> rows(std::span<const Position> songs, std::span<const Position> albums,
                          std::span<const Position> artists) const;
  /// The position of the newest song that is not newer than (first_stored, id); 0 when there is none.
  core::Result<Position> position_of(core::WallTime first_stored, core::SongId id) const;

  const Database& database() const noexcept { return database_; }

 private:
  Database& database_;
};

}  // namespace kadenza::services::catalogue
