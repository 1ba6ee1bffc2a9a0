// SPDX-License-Identifier: AGPL-3.0-or-later
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/check.hpp"
#include "services/catalogue/catalogue.hpp"
#include "services/catalogue/lists.hpp"
#include "services/catalogue/page_filler.hpp"
#include "services/catalogue/permutation.hpp"
#include "services/catalogue/rows.hpp"

namespace kadenza::services::catalogue {
namespace {

using core::Errc;
using core::Page;
using core::Result;
using core::Song;
using core::SongListRequest;

// CROSS JOIN keeps the list outside, so that rows come in its order without sorting.
constexpr std::string_view kNewestSql =
    "SELECT " KADENZA_SONG_COLUMNS
    " FROM song_lists CROSS JOIN songs ON songs.position = song_lists.position "
    "WHERE song_lists.list = ?1 AND song_lists.position < ?2 ORDER BY song_lists.position DESC";
constexpr std::string_view kTitleSql =
    "SELECT " KADENZA_SONG_COLUMNS
    " FROM song_lists CROSS JOIN songs ON songs.position = song_lists.position "
    "WHERE song_lists.list = ?1 AND (song_lists.title_key, song_lists.position) > (?2, ?3) "
    "ORDER BY song_lists.title_key, song_lists.position";
constexpr std::string_view kOrdinalSql =
    "SELECT " KADENZA_SONG_COLUMNS
    " FROM song_lists CROSS JOIN songs ON songs.position = song_lists.position "
    "WHERE song_lists.list = ?1 AND song_lists.ordinal = ?2";

/// The list that holds all of a request's songs, or more of them.
struct List {
  std::int64_t number = kAllSongs;
  std::uint64_t size = 0;
};

/// What the list itself does not decide.
class Filter {
 public:
  explicit Filter(const SongListRequest& request)
      : from_(request.year_from), to_(request.year_to == 0 ? UINT16_MAX : request.year_to) {
    if (from_ > to_) std::swap(from_, to_);
    years_ = request.year_from != 0 || request.year_to != 0;
    if (request.artist && request.genre) genre_ = genre_key(*request.genre);
  }
  bool accepts(const Song& song) const {
    const auto year = song.tags.year;
    if (years_ && (year == 0 || year < from_ || year > to_)) return false;
    return !genre_ || std::ranges::any_of(song.tags.genres,
                                          [&](const auto& name) { return genre_key(name) == *genre_; });
  }

 private:
  std::uint16_t from_, to_;
  bool years_ = false;
  std::optional<std::string> genre_;
};

std::string describe(const SongListRequest& request) {
  return fmt::format("songs {} {} {} {} {} {}", static_cast<int>(request.order), request.seed,
                     request.year_from, request.year_to, request.artist ? request.artist->text() : "-",
                     request.genre ? genre_key(*request.genre) : "");
}

/// None when there are no such songs.
Result<std::optional<List>> find_list(Connection& connection, const SongListRequest& request) {
  if (request.artist) {
    Query query(connection, "SELECT position, song_count FROM artists WHERE id = ?1", *request.artist);
    if (!query.step()) return core::fail(Errc::kNotFound, "no artist has this id");
    return List{songs_of_artist(query.integer(0)), static_cast<std::uint64_t>(query.integer(1))};
  }
  if (request.genre) {
    const auto key = genre_key(*request.genre);
    Query query(connection, "SELECT genre, song_count FROM genres WHERE key = ?1", key);
    if (!query.step()) return std::nullopt;
    return List{songs_of_genre(query.integer(0)), static_cast<std::uint64_t>(query.integer(1))};
  }
  Query query(connection, "SELECT value FROM totals WHERE name = 'songs'");
  query.step();
  return List{kAllSongs, static_cast<std::uint64_t>(query.integer(0))};
}

void offer(PageFiller<Song>& filler, const Filter& filter, Song song, const Cursor& here) {
  if (filter.accepts(song)) {
    filler.take(std::move(song), here);
  } else {
    filler.pass_over(here);
  }
}

Result<Page<Song>> fill(Query& query, PageFiller<Song> filler, const Filter& filter) {
  bool more = query.step();
  while (more && !filler.full()) {
    KADENZA_TRY(auto row, read_song(query));
    const Cursor here{.value = 0, .id = row.item.id.bytes};
    offer(filler, filter, std::move(row.item), here);
    more = query.step();
  }
  return filler.finish(more);
}

Result<Page<Song>> ordered(Connection& connection, const List& list, const SongListRequest& request,
                           const std::string& name) {
  const bool newest = request.order == SongListRequest::Order::kNewest;
  auto position = newest ? std::int64_t{INT64_MAX} : std::int64_t{0};
  std::vector<std::uint8_t> title_key;
  if (!request.page.cursor.empty()) {
    KADENZA_TRY(const auto cursor, Cursor::parse(request.page.cursor, name));
    const core::SongId id{cursor.id};
    Query last(connection, "SELECT position, title_key FROM songs WHERE id = ?1", id);
    if (!last.step()) return core::fail(Errc::kInvalidArgument, "the cursor names a song that is not here");
    position = last.integer(0);
    title_key.assign(last.blob(1).begin(), last.blob(1).end());
  }
  PageFiller<Song> filler(name, request.page.limit);
  const Filter filter(request);
  if (newest) {
    Query query(connection, kNewestSql, list.number, position);
    return fill(query, std::move(filler), filter);
  }
  Query query(connection, kTitleSql, list.number, std::span(title_key), position);
  return fill(query, std::move(filler), filter);
}

Result<Page<Song>> shuffled(Connection& connection, const List& list, const SongListRequest& request,
                            const std::string& name) {
  KADENZA_TRY(auto next, RandomPlace::of(request.page, name, list.size));
  const Permutation order(request.seed, next.size);
  PageFiller<Song> filler(name, request.page.limit);
  const Filter filter(request);
  while (next.place < next.size && !filler.full()) {
    Query query(connection, kOrdinalSql, list.number, order.at(next.place++));
    if (!query.step()) continue;  // the list has become shorter since its first page
    KADENZA_TRY(auto row, read_song(query));
    offer(filler, filter, std::move(row.item), next.cursor());
  }
  return filler.finish(next.place < next.size);
}

}  // namespace

Result<Page<Song>> Catalogue::songs(const SongListRequest& request) const {
  KADENZA_TRY_VOID(check_limit(request.page));
  const auto name = describe(request);
  return database_.read([&](Connection& connection) -> Result<Page<Song>> {
    Page<Song> page;
    KADENZA_TRY(const auto list, find_list(connection, request));
    if (!list) return {};
    const bool random = request.order == SongListRequest::Order::kRandom;
    KADENZA_TRY(page, random ? shuffled(connection, *list, request, name)
                             : ordered(connection, *list, request, name));
    return page;
  });
}

}  // namespace kadenza::services::catalogue
