// SPDX-License-Identifier: AGPL-3.0-or-later
#include <utility>

#include <fmt/format.h>

#include "services/catalogue/catalogue.hpp"
#include "services/catalogue/lists.hpp"
#include "services/catalogue/page_filler.hpp"
#include "services/catalogue/permutation.hpp"
#include "services/catalogue/rows.hpp"

namespace kadenza::services::catalogue {
namespace {

using core::Album;
using core::AlbumListRequest;
using core::Errc;
using core::Page;
using core::Result;
using Order = core::AlbumListRequest::Order;

// CROSS JOIN keeps the list outside, so that rows come in its order without sorting.
#define KADENZA_ALBUM_LIST                                                 \
  "SELECT " KADENZA_ALBUM_COLUMNS                                          \
  " FROM album_lists AS l CROSS JOIN albums ON albums.position = l.album " \
  "WHERE l.genre = ?1 AND "
constexpr std::string_view kNewestSql =
    KADENZA_ALBUM_LIST "(l.newest, l.album) < (?2, ?3) ORDER BY l.newest DESC, l.album DESC";
constexpr std::string_view kTitleSql =
    KADENZA_ALBUM_LIST "(l.title_key, l.album) > (?2, ?3) ORDER BY l.title_key, l.album";
constexpr std::string_view kArtistSql = KADENZA_ALBUM_LIST
    "(l.artist_key, l.title_key, l.album) > (?2, ?3, ?4) ORDER BY l.artist_key, l.title_key, l.album";
constexpr std::string_view kYearUpSql =
    KADENZA_ALBUM_LIST "(l.year, l.album) > (?2, ?3) AND l.year <= ?4 ORDER BY l.year, l.album";
constexpr std::string_view kYearDownSql =
    KADENZA_ALBUM_LIST "(l.year, l.album) < (?2, ?3) AND l.year >= ?4 ORDER BY l.year DESC, l.album DESC";
constexpr std::string_view kOrdinalSql = KADENZA_ALBUM_LIST "l.ordinal = ?2";
#undef KADENZA_ALBUM_LIST

struct List {
  std::int64_t genre = kAllAlbums;
  std::uint64_t size = 0;
};

/// Where an ordered list goes on. Values that may change after the page are the cursor's, not the row's.
struct Place {
  bool start = true;
  std::int64_t value = 0;  ///< newest or year
  std::int64_t album = 0;
  std::vector<std::uint8_t> title_key, artist_key;
};

std::string describe(const AlbumListRequest& request) {
  return fmt::format("albums {} {} {} {} {}", static_cast<int>(request.order), request.seed,
                     request.year_from, request.year_to,
                     request.genre ? "=" + genre_key(*request.genre) : "");
}

Result<std::optional<List>> find_list(Connection& connection, const AlbumListRequest& request) {
  if (request.genre) {
    const auto key = genre_key(*request.genre);
    Query query(connection, "SELECT genre, album_count FROM genres WHERE key = ?1", key);
    if (!query.step()) return std::nullopt;
    return List{query.integer(0), static_cast<std::uint64_t>(query.integer(1))};
  }
  Query query(connection, "SELECT value FROM totals WHERE name = 'albums'");
  query.step();
  return List{kAllAlbums, static_cast<std::uint64_t>(query.integer(0))};
}

Result<Place> find_place(Connection& connection, const AlbumListRequest& request, const std::string& name) {
  if (request.page.cursor.empty()) return Place{};
  KADENZA_TRY(const auto cursor, Cursor::parse(request.page.cursor, name));
  const core::AlbumId id{cursor.id};
  Query last(connection,
             "SELECT albums.position, albums.title_key, artists.name_key FROM albums "
             "JOIN artists ON artists.position = albums.artist WHERE albums.id = ?1",
             id);
  if (!last.step()) return core::fail(Errc::kInvalidArgument, "the cursor names an album that is not here");
  const auto title_key = last.blob(1), artist_key = last.blob(2);
  return Place{false,
               static_cast<std::int64_t>(cursor.value),
               last.integer(0),
               {title_key.begin(), title_key.end()},
               {artist_key.begin(), artist_key.end()}};
}

Cursor cursor_at(const Album& album, Order order) {
  Cursor cursor{.value = 0, .id = album.id.bytes};
  if (order == Order::kNewest)
    cursor.value = static_cast<std::uint64_t>(album.newest.time_since_epoch().count());
  if (order == Order::kYear) cursor.value = album.year;
  return cursor;
}

Result<Page<Album>> fill(Query&& query, const AlbumListRequest& request, const std::string& name) {
  PageFiller<Album> filler(name, request.page.limit);
  bool more = query.step();
  while (more && !filler.full()) {
    KADENZA_TRY(auto row, read_album(query));
    const auto here = cursor_at(row.item, request.order);
    filler.take(std::move(row.item), here);
    more = query.step();
  }
  return filler.finish(more);
}

/// From an open end, albums without a year come along only when the other end is open too.
Result<Page<Album>> by_year(Connection& connection, const List& list, const AlbumListRequest& request,
                            const std::string& name, Place place) {
  const bool down = request.year_to != 0 && request.year_from > request.year_to;
  const std::int64_t first = request.year_from == 0 && request.year_to != 0 ? 1 : request.year_from;
  const std::int64_t last = request.year_to == 0 ? UINT16_MAX : request.year_to;
  if (place.start) place = {false, first, down ? INT64_MAX : -1, {}, {}};
  const auto sql = down ? kYearDownSql : kYearUpSql;
  return fill(Query(connection, sql, list.genre, place.value, place.album, last), request, name);
}

Result<Page<Album>> ordered(Connection& connection, const List& list, const AlbumListRequest& request,
                            const std::string& name) {
  KADENZA_TRY(auto place, find_place(connection, request, name));
  switch (request.order) {
    case Order::kNewest:
      if (place.start) place.value = place.album = INT64_MAX;
      return fill(Query(connection, kNewestSql, list.genre, place.value, place.album), request, name);
    case Order::kTitle:
      return fill(Query(connection, kTitleSql, list.genre, std::span(place.title_key), place.album), request,
                  name);
    case Order::kArtist:
      return fill(Query(connection, kArtistSql, list.genre, std::span(place.artist_key),
                        std::span(place.title_key), place.album),
                  request, name);
    default:
      return by_year(connection, list, request, name, std::move(place));
  }
}

Result<Page<Album>> shuffled(Connection& connection, const List& list, const AlbumListRequest& request,
                             const std::string& name) {
  KADENZA_TRY(auto next, RandomPlace::of(request.page, name, list.size));
  const Permutation order(request.seed, next.size);
  PageFiller<Album> filler(name, request.page.limit);
  while (next.place < next.size && !filler.full()) {
    Query query(connection, kOrdinalSql, list.genre, order.at(next.place++));
    if (!query.step()) continue;  // the list has become shorter since its first page
    KADENZA_TRY(auto row, read_album(query));
    filler.take(std::move(row.item), next.cursor());
  }
  return filler.finish(next.place < next.size);
}

}  // namespace

Result<Page<Album>> Catalogue::albums(const AlbumListRequest& request) const {
  KADENZA_TRY_VOID(check_limit(request.page));
  const auto name = describe(request);
  return database_.read([&](Connection& connection) -> Result<Page<Album>> {
    Page<Album> page;
    KADENZA_TRY(const auto list, find_list(connection, request));
    if (!list) return {};
    const bool random = request.order == Order::kRandom;
    KADENZA_TRY(page, random ? shuffled(connection, *list, request, name)
                             : ordered(connection, *list, request, name));
    return page;
  });
}

}  // namespace kadenza::services::catalogue
