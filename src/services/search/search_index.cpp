// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/search/search_index.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>

#include <fmt/format.h>

#include "core/base32.hpp"
#include "core/check.hpp"
#include "services/catalogue/cursor.hpp"
#include "services/search/finder.hpp"
#include "services/search/index_store.hpp"

namespace kadenza::services::search {
namespace {

using catalogue::Catalogue;
using catalogue::Cursor;
using catalogue::Position;
using core::Errc;
using core::Result;
using core::SearchRequest;
using core::SearchResults;

/// Of the documents and terms. With another number, an index is begun anew.
constexpr int kVersion = 2;

/// What a search found in the index, before the rows are loaded. One song more than asked for tells whether
/// there are further ones.
struct Hits {
  std::vector<Found> songs, albums, artists;
};

Result<void> check(const SearchRequest& request) {
  if (request.query.size() > core::kQueryBytesMax) {
    return core::fail(Errc::kInvalidArgument,
                      fmt::format("the query is longer than {} bytes; shorten it", core::kQueryBytesMax));
  }
  if (std::max({request.songs, request.albums, request.artists}) > core::kPageLimitMax) {
    return core::fail(Errc::kInvalidArgument,
                      fmt::format("at most {} results of a kind can be asked for", core::kPageLimitMax));
  }
  return {};
}

std::vector<Position> positions(const std::vector<Found>& found) {
  std::vector<Position> positions;
  positions.reserve(found.size());
  for (const auto& one : found) positions.push_back(one.position);
  return positions;
}

SearchedRow searched_row(const catalogue::Row<core::Artist>& row) {
  return searched(row.item, row.newest);
}
template <class T>
SearchedRow searched_row(const catalogue::Row<T>& row) {
  return searched(row.item);
}

/// The row, scored; nothing when it does not match after all, as with words cut at their limit.
template <class T>
void append_match(const Query& query, catalogue::Row<T> row, std::vector<core::Match<T>>& matches) {
  const auto seen = searched_row(row);
  const auto tier = match(query, seen);
  if (!tier) return;
  auto found = highlights(query, seen, *tier);
  matches.push_back({std::move(row.item), score(*tier, seen.newest), std::move(found)});
}

template <class T>
void append_documents(RowKind kind, const std::vector<catalogue::Row<T>>& rows,
                      IndexStore::Documents& documents, Vocabulary::NewWords& words) {
  for (const auto& row : rows)
    documents.emplace_back(document_id(kind, row.position), document(kind, searched_row(row), words));
}

void append_ids(RowKind kind, const std::vector<Position>& positions, std::vector<Xapian::docid>& ids) {
  for (const auto position : positions) ids.push_back(document_id(kind, position));
}

/// Albums and artists grow newer after they were indexed, so their order is made here.
template <class T>
void sort_by_score(std::vector<core::Match<T>>& matches) {
  std::ranges::sort(matches, [](const auto& a, const auto& b) {
    return a.score != b.score ? a.score > b.score : a.item.id < b.item.id;
  });
}

/// Where the songs of a page begin.
struct Start {
  Tier tier = Tier::kWholeTitle;
  std::optional<Position> position;
  std::optional<core::SongId> after;  ///< the last song of the page before, which stands at `position`
};

std::string describe(const Query& query) {
  std::string name = "search";
  for (const auto& word : query.words) name += " " + word.text;
  return name;
}

Result<Start> find_start(const Catalogue& catalogue, const SearchRequest& request, const Query& query) {
  if (request.cursor.empty()) return Start{};
  KADENZA_TRY(const auto cursor, Cursor::parse(request.cursor, describe(query)));
  const auto tier = tier_in(cursor.value);
  if (static_cast<unsigned>(tier) >= kTiers)
    return core::fail(Errc::kInvalidArgument, "the cursor is damaged; start again without one");
  const core::SongId id{cursor.id};
  KADENZA_TRY(const auto position, catalogue.position_of(newest_in(cursor.value), id));
  return Start{tier, position, id};
}

}  // namespace

struct SearchIndex::State {
  State(const std::filesystem::path& directory, const Catalogue& rows, Options given)
      : catalogue(rows),
        options(given),
        store(directory, fmt::format("{} {}", kVersion, core::base32_encode(rows.database().identity())),
              given.readers) {}

  const Catalogue& catalogue;
  const Options options;
  IndexStore store;
  std::mutex update_mutex;  // makes updates take turns
  std::atomic<bool> complete{false};
  mutable std::atomic<bool> damaged{false};

  Result<void> open();
  Result<bool> fits(std::uint64_t songs) const;
  Result<Hits> find(const SearchRequest& request, const Query& query, const Start& start) const;
  Result<SearchResults> load(const SearchRequest& request, const Query& query, const Start& start,
                             Hits hits) const;
};

Result<void> SearchIndex::State::open() {
  KADENZA_TRY(bool usable, store.open());
  KADENZA_TRY(const auto totals, catalogue.totals());
  KADENZA_TRY(const auto last_change, catalogue.last_change());
  // An index that is ahead belongs to a later state of the catalogue than this one, such as before a restored
  // backup.
  if (usable && store.last() > last_change) usable = false;
  if (usable && store.last() == last_change)
    usable = store.documents() == totals.songs + totals.albums + totals.artists;
  if (!usable) KADENZA_TRY_VOID(store.reset());
  complete = store.last() == last_change;
  return {};
}

Result<Hits> SearchIndex::State::find(const SearchRequest& request, const Query& query,
                                      const Start& start) const {
  Hits hits;
  const auto done = store.read([&](const Xapian::Database& database, const VocabularySnapshot& words) {
    hits = {};
    Finder finder(database, query, words);
    // The song that the cursor names may come once more, and one further tells whether there is a next page.
    if (request.songs > 0)
      hits.songs = finder.find(RowKind::kSong, request.songs + 2, start.tier, start.position);
    if (start.after) return;
    hits.albums = finder.find(RowKind::kAlbum, request.albums);
    hits.artists = finder.find(RowKind::kArtist, request.artists);
  });
  if (done) return hits;
  if (done.error().code != Errc::kCorrupted) return std::unexpected(done.error());
  damaged = true;
  return core::fail(Errc::kUnavailable,
                    "the search index is damaged and will be built anew: " + done.error().detail);
}

Result<SearchResults> SearchIndex::State::load(const SearchRequest& request, const Query& query,
                                               const Start& start, Hits hits) const {
  KADENZA_TRY(auto rows,
              catalogue.rows(positions(hits.songs), positions(hits.albums), positions(hits.artists)));
  SearchResults results;
  results.partial = !complete;
  Cursor last;
  std::size_t at = 0, taken = 0;
  for (auto& row : rows.songs) {
    while (hits.songs[at].position != row.position) ++at;
    if (start.after && row.item.id == *start.after) continue;
    if (taken++ == request.songs) {
      results.next = last.text(describe(query));
      break;
    }
    last = {.value = score(hits.songs[at].tier, row.newest), .id = row.item.id.bytes};
    append_match(query, std::move(row), results.songs);
  }
  for (auto& row : rows.albums) append_match(query, std::move(row), results.albums);
  for (auto& row : rows.artists) append_match(query, std::move(row), results.artists);
  sort_by_score(results.albums);
  sort_by_score(results.artists);
  return results;
}

SearchIndex::SearchIndex(std::unique_ptr<State> state) : state_(std::move(state)) {}

SearchIndex::~SearchIndex() = default;

Result<std::unique_ptr<SearchIndex>> SearchIndex::open(const std::filesystem::path& directory,
                                                       const Catalogue& catalogue, Options options) {
  KADENZA_CHECK(options.readers > 0 && options.batch_songs > 0);
  auto state = std::make_unique<State>(directory, catalogue, options);
  KADENZA_TRY_VOID(state->open());
  return std::unique_ptr<SearchIndex>(new SearchIndex(std::move(state)));
}

Result<bool> SearchIndex::update() {
  const std::lock_guard lock(state_->update_mutex);
  return update_locked();
}

Result<void> SearchIndex::flush() {
  KADENZA_TRY(const auto last, state_->catalogue.last_change());
  const std::lock_guard lock(state_->update_mutex);
  while (state_->damaged || state_->store.last() < last) {
    KADENZA_TRY_VOID(update_locked());
  }
  return {};
}

Result<bool> SearchIndex::update_locked() {
  if (state_->damaged) {
    KADENZA_TRY_VOID(state_->store.reset());
    state_->complete = false;
    state_->damaged = false;
  }
  KADENZA_TRY(const auto changes,
              state_->catalogue.changes(state_->store.last(), state_->options.batch_songs));
  if (changes.last == state_->store.last()) {
    state_->complete = true;
    return false;
  }
  std::vector<Xapian::docid> removed;
  append_ids(RowKind::kSong, changes.removed.songs, removed);
  append_ids(RowKind::kAlbum, changes.removed.albums, removed);
  append_ids(RowKind::kArtist, changes.removed.artists, removed);
  IndexStore::Documents documents;
  Vocabulary::NewWords words;
  append_documents(RowKind::kSong, changes.songs, documents, words);
  append_documents(RowKind::kAlbum, changes.albums, documents, words);
  append_documents(RowKind::kArtist, changes.artists, documents, words);
  const auto written = state_->store.write(removed, documents, changes.last, words);
  if (written) {
    if (changes.songs.size() < state_->options.batch_songs) state_->complete = true;
    return true;
  }
  state_->damaged = written.error().code == Errc::kCorrupted;
  return std::unexpected(written.error());
}

Result<SearchResults> SearchIndex::search(const SearchRequest& request) const {
  KADENZA_TRY_VOID(check(request));
  const auto query = parse_query(request.query);
  if (query.words.empty()) return SearchResults{};
  KADENZA_TRY(const auto start, find_start(state_->catalogue, request, query));
  KADENZA_TRY(auto hits, state_->find(request, query, start));
  return state_->load(request, query, start, std::move(hits));
}

}  // namespace kadenza::services::search
