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
/// How results are found and scored, and what is on disk: docs/formats/search-index.md.
class SearchIndex {
 public:
  struct Options {
    std::size_t readers = 8;         ///< most searches at once; further ones wait
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
  ~SearchIndex();

  /// Indexes one batch of rows added since the last call and commits it: they are found from then on. False
  /// when nothing was left to do. An index that a search found damaged is begun anew. Calls from several
  /// threads take turns.
  core::Result<bool> update();

  /// update() until the index has all rows that were in the catalogue when the call was made.
  core::Result<void> flush();

  /// Albums and artists come with the first page only. `partial` says that the index is still catching up
  /// after a start. kInvalidArgument for a query longer than kQueryBytesMax, a limit above kPageLimitMax, or
  /// a cursor of another query; kUnavailable while a damaged index waits for update().
  core::Result<core::SearchResults> search(const core::SearchRequest& request) const;

 private:
  struct State;
  explicit SearchIndex(std::unique_ptr<State> state);
  core::Result<bool> update_locked();

  std::unique_ptr<State> state_;
};

}  // namespace kadenza::services::search
