// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <filesystem>
#include <memory>

#include "core/error.hpp"
#include "core/music_library.hpp"
#include "services/catalogue/catalogue.hpp"

namespace kadenza::services::search {

/// Full-text search over the rows of a catalogue, by Xapian. Everything here is derived: update() brings in
/// what the catalogue has and the index lacks, so a crash between the two, a lost, damaged or foreign index
/// all heal in the same way. Thread-safe; calls block on the disk. `catalogue` must outlive the index.
///
/// How results are found and scored is described in docs/search.md.
class SearchIndex {
 public:
  struct Options {
    std::size_t readers = 8;         ///< most readers kept open
    std::size_t batch_songs = 4096;  ///< songs per commit while catching up
  };

  /// Opens `directory`, or starts an empty index there when there is none that fits the catalogue. Does not
  /// index anything: call update().
  static core::Result<std::unique_ptr<SearchIndex>> open(const std::filesystem::path& directory,
                                                         const catalogue::Catalogue& catalogue,
                                                         Options options);
  static core::Result<std::unique_ptr<SearchIndex>> open(const std::filesystem::path& directory,
                                                         const catalogue::Catalogue& catalogue) {
    return open(directory, catalogue, Options{});
  }
  virtual ~SearchIndex() = default;

  /// Indexes one batch of rows added since the last call and commits it: they are found from then on. False
  /// when nothing was left to do. Calls from several threads take turns.
  virtual core::Result<bool> update() = 0;

  /// update() until the index has all rows that were in the catalogue when the call was made.
  virtual core::Result<void> flush() = 0;

  /// Albums and artists come with the first page only. `partial` says that the index is still catching up
  /// after a start. kInvalidArgument for a query longer than kQueryBytesMax, a limit above kPageLimitMax, or
  /// a cursor of another query.
  virtual core::Result<core::SearchResults> search(const core::SearchRequest& request) const = 0;

 protected:
  SearchIndex() = default;
};

}  // namespace kadenza::services::search
