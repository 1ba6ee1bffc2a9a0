// SPDX-License-Identifier: AGPL-3.0-or-later
// Lists, albums, artists, genres, search.
#include <array>

#include <fmt/format.h>

#include "core/identity.hpp"
#include "views/answer.hpp"
#include "views/handlers.hpp"

namespace kadenza::views {

using core::Errc;
using core::fail;

namespace {

constexpr std::size_t kCursorBytesMax = 1024;
constexpr std::uint64_t kYearMax = 9999;

core::Result<core::PageRequest> page_of(const Request& request) {
  core::PageRequest page;
  KADENZA_TRY(const auto limit, request.number("limit", 1, core::kPageLimitMax, page.limit));
  page.limit = static_cast<std::uint32_t>(limit);
  page.cursor = request.parameter("cursor").value_or("");
  if (page.cursor.size() > kCursorBytesMax)
    return fail(Errc::kInvalidArgument, "cursor is none of this server's.");
  return page;
}

template <class Order, std::size_t n>
core::Result<Order> order_of(const Request& request,
                             const std::array<std::pair<std::string_view, Order>, n>& names) {
  const auto wanted = request.parameter("order");
  if (!wanted) return names.front().second;
  std::string known;
  for (const auto& [name, order] : names) {
    if (name == *wanted) return order;
    known += (known.empty() ? "" : ", ") + std::string(name);
  }
  return fail(Errc::kInvalidArgument, "order must be one of " + known + ".");
}

/// What songs' and albums' lists have in common: seed, genre, years, page.
template <class ListRequest>
core::Result<void> read_filters(const Request& request, ListRequest& list) {
  KADENZA_TRY(list.seed, request.number("seed", 0, std::numeric_limits<std::uint64_t>::max(), 0));
  KADENZA_TRY(const auto from, request.number("from", 0, kYearMax, 0));
  KADENZA_TRY(const auto to, request.number("to", 0, kYearMax, 0));
  list.year_from = static_cast<std::uint16_t>(from);
  list.year_to = static_cast<std::uint16_t>(to);
  if (const auto genre = request.parameter("genre")) list.genre = *genre;
  KADENZA_TRY(list.page, page_of(request));
  return {};
}

core::Result<core::SongListRequest> song_list(const Request& request) {
  using Order = core::SongListRequest::Order;
  constexpr std::array<std::pair<std::string_view, Order>, 3> kOrders{
      {{"newest", Order::kNewest}, {"random", Order::kRandom}, {"title", Order::kTitle}}};
  core::SongListRequest list;
  KADENZA_TRY(list.order, order_of(request, kOrders));
  KADENZA_TRY_VOID(read_filters(request, list));
  if (const auto artist = request.parameter("artist")) {
    list.artist = core::ArtistId::parse(*artist);
    if (!list.artist) return fail(Errc::kInvalidArgument, "artist must be the id of an artist.");
  }
  return list;
}

core::Result<core::AlbumListRequest> album_list(const Request& request) {
  using Order = core::AlbumListRequest::Order;
  constexpr std::array<std::pair<std::string_view, Order>, 5> kOrders{{{"newest", Order::kNewest},
                                                                       {"random", Order::kRandom},
                                                                       {"title", Order::kTitle},
                                                                       {"artist", Order::kArtist},
                                                                       {"year", Order::kYear}}};
  core::AlbumListRequest list;
  KADENZA_TRY(list.order, order_of(request, kOrders));
  KADENZA_TRY_VOID(read_filters(request, list));
  return list;
}

core::Result<core::SearchRequest> search_of(const Request& request) {
  core::SearchRequest search;
  const auto query = request.parameter("q");
  if (!query) return fail(Errc::kInvalidArgument, "q, the words to search for, is missing.");
  if (query->size() > core::kQueryBytesMax)
    return fail(Errc::kInvalidArgument,
                fmt::format("q must be at most {} bytes long.", core::kQueryBytesMax));
  search.query = *query;
  const bool limited = request.parameter("limit").has_value();
  KADENZA_TRY(const auto limit, request.number("limit", 1, core::kPageLimitMax, 0));
  const auto count = [&](std::string_view name, std::uint32_t& value) -> core::Result<void> {
    KADENZA_TRY(const auto number, request.number(name, 0, core::kPageLimitMax, limited ? limit : value));
    value = static_cast<std::uint32_t>(number);
    return {};
  };
  KADENZA_TRY_VOID(count("songs", search.songs));
  KADENZA_TRY_VOID(count("albums", search.albums));
  KADENZA_TRY_VOID(count("artists", search.artists));
  search.cursor = request.parameter("cursor").value_or("");
  if (search.cursor.size() > kCursorBytesMax)
    return fail(Errc::kInvalidArgument, "cursor is none of this server's.");
  return search;
}

/// The library lists genres only page by page; there are few.
core::Task<core::Result<core::Genre>> find_genre(Environment& environment, std::string name,
                                                 core::Deadline deadline) {
  const auto wanted = core::normalise(name);
  core::PageRequest request;
  request.limit = core::kPageLimitMax;
  do {
    auto page = co_await environment.library.genres(request, deadline);
    if (!page) co_return std::unexpected(std::move(page).error());
    for (auto& genre : page->items)
      if (core::normalise(genre.name) == wanted) co_return std::move(genre);
    request.cursor = std::move(page->next);
  } while (!request.cursor.empty());
  co_return fail(Errc::kNotFound, "There is no genre with this name.");
}

}  // namespace

core::Task<Response> get_songs(Environment& environment, Request& request) {
  auto list = song_list(request);
  if (!list) co_return problem(list.error());
  const auto page = co_await environment.library.songs(std::move(*list), request.deadline);
  co_return answer(page);
}

core::Task<Response> get_albums(Environment& environment, Request& request) {
  auto list = album_list(request);
  if (!list) co_return problem(list.error());
  const auto page = co_await environment.library.albums(std::move(*list), request.deadline);
  co_return answer(page);
}

core::Task<Response> get_album(Environment& environment, Request& request) {
  const auto id = id_argument<core::AlbumId>(request, "album");
  if (!id) co_return problem(id.error());
  const auto album = co_await environment.library.album(*id, request.deadline);
  co_return answer(album);
}

core::Task<Response> get_artists(Environment& environment, Request& request) {
  auto wanted = page_of(request);
  if (!wanted) co_return problem(wanted.error());
  const auto page = co_await environment.library.artists(std::move(*wanted), request.deadline);
  co_return answer(page);
}

core::Task<Response> get_artist(Environment& environment, Request& request) {
  const auto id = id_argument<core::ArtistId>(request, "artist");
  if (!id) co_return problem(id.error());
  const auto artist = co_await environment.library.artist(*id, request.deadline);
  co_return answer(artist);
}

core::Task<Response> get_genres(Environment& environment, Request& request) {
  auto wanted = page_of(request);
  if (!wanted) co_return problem(wanted.error());
  const auto page = co_await environment.library.genres(std::move(*wanted), request.deadline);
  co_return answer(page);
}

core::Task<Response> get_genre(Environment& environment, Request& request) {
  const auto genre = co_await find_genre(environment, request.arguments.front(), request.deadline);
  co_return answer(genre);
}

core::Task<Response> get_search(Environment& environment, Request& request) {
  auto search = search_of(request);
  if (!search) co_return problem(search.error());
  const auto results = co_await environment.library.search(std::move(*search), request.deadline);
  co_return answer(results);
}

core::Task<Response> get_totals(Environment& environment, Request& request) {
  const auto totals = co_await environment.library.totals(request.deadline);
  co_return answer(totals);
}

}  // namespace kadenza::views
