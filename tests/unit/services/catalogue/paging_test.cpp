// SPDX-License-Identifier: AGPL-3.0-or-later
#include <algorithm>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include "core/base32.hpp"
#include "services/catalogue/connection.hpp"
#include "services/catalogue/permutation.hpp"
#include "services/catalogue/rows.hpp"
#include "unit/services/catalogue/catalogue_fixture.hpp"

namespace kadenza::services::catalogue {
namespace {

using core::AlbumListRequest;
using core::Errc;
using core::SongListRequest;
using ::testing::HasSubstr;
using ::testing::Not;

/// All items of a list, page by page; `between` runs after each page.
template <class T, class Request, class Fetch>
std::vector<T> all_pages(Request request, std::uint32_t limit, const Fetch& fetch,
                         const std::function<void()>& between = {}) {
  std::vector<T> all;
  request.page.limit = limit;
  do {
    auto page = fetch(request);
    EXPECT_TRUE(page) << page.error().detail;
    if (!page) break;
    EXPECT_LE(page->items.size(), limit);
    std::ranges::move(page->items, std::back_inserter(all));
    request.page.cursor = page->next;
    if (between) between();
  } while (!request.page.cursor.empty());
  return all;
}

class Paging : public CatalogueTest {
 protected:
  std::vector<core::Song> all_songs(const SongListRequest& request, std::uint32_t limit,
                                    const std::function<void()>& between = {}) {
    return all_pages<core::Song>(
        request, limit, [&](const auto& page) { return rows.songs(page); }, between);
  }
  std::vector<core::Album> all_albums(const AlbumListRequest& request, std::uint32_t limit,
                                      const std::function<void()>& between = {}) {
    return all_pages<core::Album>(
        request, limit, [&](const auto& page) { return rows.albums(page); }, between);
  }
};

std::vector<SongListRequest> song_lists() {
  std::vector<SongListRequest> lists;
  for (const auto order :
       {SongListRequest::Order::kNewest, SongListRequest::Order::kTitle, SongListRequest::Order::kRandom}) {
    lists.push_back({.order = order, .seed = 7});
    lists.push_back({.order = order, .seed = 7, .genre = "genre 1"});
    lists.push_back({.order = order, .seed = 7, .artist = core::artist_id("Artist 3")});
    lists.push_back({.order = order, .seed = 7, .genre = "Genre 2", .artist = core::artist_id("Artist 2")});
    lists.push_back({.order = order, .seed = 7, .year_from = 1980, .year_to = 1970});
  }
  return lists;
}

bool belongs(const core::Song& song, const SongListRequest& request) {
  const auto has_genre = [&](const std::string& name) {
    return genre_key(name) == genre_key(*request.genre);
  };
  if (request.genre && std::ranges::none_of(song.tags.genres, has_genre)) return false;
  if (request.artist && song.artist_id() != *request.artist && song.listed_artist_id() != *request.artist)
    return false;
  const auto [low, high] = std::minmax(request.year_from, request.year_to);
  return high == 0 || (song.tags.year >= low && song.tags.year <= high);
}

TEST_F(Paging, AllPagesOfASongListAreTheWholeList) {
  const auto songs = many_songs(300, 3);
  add(songs);
  for (const auto& request : song_lists()) {
    const auto expected =
        std::ranges::count_if(songs, [&](const auto& song) { return belongs(song, request); });
    const auto in_one = all_songs(request, 500);
    EXPECT_EQ(std::ssize(in_one), expected);
    EXPECT_TRUE(std::ranges::all_of(in_one, [&](const auto& song) { return belongs(song, request); }));
    for (const std::uint32_t limit : {1U, 7U, 100U}) EXPECT_EQ(all_songs(request, limit), in_one);
  }
}

TEST_F(Paging, SongListsAreInOrder) {
  add(many_songs(300, 4));
  const auto newest = all_songs({.order = SongListRequest::Order::kNewest}, 50);
  EXPECT_TRUE(std::ranges::is_sorted(newest, std::greater{}, &core::Song::first_stored));
  const auto by_title = all_songs({.order = SongListRequest::Order::kTitle}, 50);
  EXPECT_TRUE(std::ranges::is_sorted(by_title, {}, [](const core::Song& song) { return song.tags.title; }));
  const auto one = all_songs({.order = SongListRequest::Order::kRandom, .seed = 1}, 50);
  const auto two = all_songs({.order = SongListRequest::Order::kRandom, .seed = 2}, 50);
  EXPECT_NE(one, two);
  EXPECT_NE(one, newest);
}

TEST_F(Paging, ListsStayAsTheyAreWhileSongsAreAdded) {
  add(many_songs(200, 5));
  for (const auto order :
       {SongListRequest::Order::kNewest, SongListRequest::Order::kTitle, SongListRequest::Order::kRandom}) {
    const SongListRequest request{.order = order, .seed = 9};
    const auto before = all_songs(request, 500);
    std::set<core::SongId> old;
    for (const auto& song : before) old.insert(song.id);
    int number = 0;
    auto during = all_songs(request, 7, [&] {
      const auto name = fmt::format("New {} {}", static_cast<int>(order), number++);
      add({sample_song({.title = name, .artist = name, .album = name}, 2'000'000'000 + number)});
    });
    std::erase_if(during, [&](const core::Song& song) { return !old.contains(song.id); });
    EXPECT_EQ(during, before);
  }
}

TEST_F(Paging, AllPagesOfAnAlbumListAreTheWholeList) {
  add(many_songs(400, 6));
  using Order = AlbumListRequest::Order;
  for (const auto order : {Order::kNewest, Order::kRandom, Order::kTitle, Order::kArtist, Order::kYear}) {
    for (const auto& genre : {std::optional<std::string>(), std::optional<std::string>("GENRE 2")}) {
      const AlbumListRequest request{.order = order, .seed = 3, .genre = genre};
      const auto in_one = all_albums(request, 500);
      const auto expected = genre ? rows.genre(*genre)->album_count : rows.totals()->albums;
      EXPECT_EQ(in_one.size(), expected);
      for (const std::uint32_t limit : {1U, 9U}) EXPECT_EQ(all_albums(request, limit), in_one);
    }
  }
}

TEST_F(Paging, AlbumListsAreInOrder) {
  add(many_songs(400, 7));
  using Order = AlbumListRequest::Order;
  EXPECT_TRUE(std::ranges::is_sorted(all_albums({.order = Order::kNewest}, 50), std::greater{},
                                     &core::Album::newest));
  EXPECT_TRUE(std::ranges::is_sorted(all_albums({.order = Order::kTitle}, 50), {}, &core::Album::title));
  EXPECT_TRUE(std::ranges::is_sorted(all_albums({.order = Order::kArtist}, 50), {}, &core::Album::artist));
}

TEST_F(Paging, YearsGoDownWhenFromIsAboveTo) {
  add(many_songs(400, 8));
  const auto years = [&](std::uint16_t from, std::uint16_t to) {
    std::vector<int> listed;
    for (const auto& album :
         all_albums({.order = AlbumListRequest::Order::kYear, .year_from = from, .year_to = to}, 5))
      listed.push_back(album.year);
    return listed;
  };
  auto up = years(1970, 1990);
  ASSERT_FALSE(up.empty());
  EXPECT_TRUE(std::ranges::is_sorted(up));
  EXPECT_GE(up.front(), 1970);
  EXPECT_LE(up.back(), 1990);
  std::ranges::reverse(up);
  EXPECT_EQ(years(1990, 1970), up);
  EXPECT_GE(years(0, 1990).front(), 1960);  // unknown years are in no range
  EXPECT_EQ(years(1985, 0).front(), 1985);
  EXPECT_EQ(years(0, 0).size(), rows.totals()->albums);
}

TEST_F(Paging, ArtistsAndGenresPageByName) {
  add(many_songs(300, 9));
  struct Request {
    core::PageRequest page;
  };
  const auto artists =
      all_pages<core::Artist>(Request{}, 3, [&](const auto& request) { return rows.artists(request.page); });
  EXPECT_EQ(artists.size(), rows.totals()->artists);
  EXPECT_TRUE(std::ranges::is_sorted(artists, {}, &core::Artist::name));
  const auto genres =
      all_pages<core::Genre>(Request{}, 1, [&](const auto& request) { return rows.genres(request.page); });
  EXPECT_EQ(genres.size(), 3);
  EXPECT_TRUE(std::ranges::is_sorted(genres, {}, &core::Genre::name));
}

TEST_F(Paging, RefusesCursorsOfOtherListsAndHostileOnes) {
  add(many_songs(100, 10));
  const auto refused = [&](const SongListRequest& request) {
    const auto page = rows.songs(request);
    return !page && page.error().code == Errc::kInvalidArgument;
  };
  SongListRequest request{.order = SongListRequest::Order::kTitle, .page = {.limit = 5}};
  const auto cursor = rows.songs(request)->next;
  request.page.cursor = cursor;
  EXPECT_FALSE(refused(request));
  request.order = SongListRequest::Order::kNewest;
  EXPECT_TRUE(refused(request));
  std::mt19937 random(11);
  for (int i = 0; i < 300; ++i) {
    auto hostile = cursor;
    hostile[random() % hostile.size()] = static_cast<char>(random());
    request.page.cursor = hostile == cursor ? "x" : hostile;
    EXPECT_TRUE(refused(request));
  }
  for (const auto* text : {"x", "'; DROP TABLE songs",
                           "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}) {
    EXPECT_EQ(rows.artists({.limit = 5, .cursor = text}).error().code, Errc::kInvalidArgument);
    EXPECT_EQ(rows.genres({.limit = 5, .cursor = text}).error().code, Errc::kInvalidArgument);
    EXPECT_EQ(rows.albums({.page = {.limit = 5, .cursor = text}}).error().code, Errc::kInvalidArgument);
  }
  // A random list's cursor carries numbers that a stranger can choose.
  request = {.order = SongListRequest::Order::kRandom, .page = {.limit = 5}};
  const auto good = rows.songs(request)->next;
  std::array<std::uint8_t, 44> bytes{};
  ASSERT_TRUE(core::base32_decode(good, bytes));
  std::fill(bytes.begin() + 4, bytes.end(), std::uint8_t{0xff});
  request.page.cursor = core::base32_encode(bytes);
  EXPECT_TRUE(refused(request));
}

TEST_F(Paging, RefusesPagesOfNothingAndOfTooMuch) {
  EXPECT_EQ(rows.songs({.page = {.limit = 0}}).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(rows.albums({.page = {.limit = 501}}).error().code, Errc::kInvalidArgument);
}

/// The statements that a connection has prepared so far.
std::vector<std::string> prepared_statements(Connection& connection) {
  std::vector<std::string> texts;
  auto* handle = connection.raw().getHandle();
  for (auto* at = sqlite3_next_stmt(handle, nullptr); at != nullptr; at = sqlite3_next_stmt(handle, at))
    texts.emplace_back(sqlite3_sql(at));
  return texts;
}

class ListPlans : public Paging {
 protected:
  // With a single reader, all lists prepare their statements on one connection.
  std::unique_ptr<Database> single = Database::open(folder.path(), {.readers = 1}).value();
  Catalogue one{*single};
};

TEST_F(ListPlans, NoListSortsOrScans) {
  ASSERT_TRUE(one.merge(many_songs(100, 12)));
  for (auto request : song_lists()) {
    request.page.limit = 5;
    const auto page = one.songs(request).value();
    request.page.cursor = page.next;
    ASSERT_TRUE(page.next.empty() || one.songs(request));
  }
  using Order = AlbumListRequest::Order;
  for (const auto order : {Order::kNewest, Order::kRandom, Order::kTitle, Order::kArtist, Order::kYear}) {
    const AlbumListRequest request{.order = order, .genre = "Genre 1", .year_from = 1990, .year_to = 1970};
    ASSERT_TRUE(one.albums(request));
  }
  ASSERT_TRUE(one.artists({}));
  ASSERT_TRUE(one.genres({}));
  ASSERT_TRUE(one.artist(core::artist_id("Artist 1")));
  ASSERT_TRUE(one.album(one.albums({})->items.front().id));
  ASSERT_TRUE(one.changes(50, 10));

  const auto checked = single->read([&](Connection& connection) -> core::Result<int> {
    int lists = 0;
    for (const auto& sql : prepared_statements(connection)) {
      if (!sql.starts_with("SELECT ") || sql == "SELECT name, value FROM totals") continue;
      std::string plan;
      Query query(connection, "EXPLAIN QUERY PLAN " + sql);
      while (query.step()) plan += query.text(3) + "\n";
      EXPECT_THAT(plan, Not(HasSubstr("TEMP B-TREE"))) << sql;
      EXPECT_THAT(plan, Not(HasSubstr("SCAN"))) << sql;
      ++lists;
    }
    return lists;
  });
  EXPECT_GE(checked.value(), 20);
}

TEST(Permutation, VisitsEveryPlaceOnce) {
  for (const std::uint64_t size : {1, 2, 3, 10, 255, 1000}) {
    const Permutation order(42, size);
    std::set<std::uint64_t> seen;
    for (std::uint64_t i = 0; i < size; ++i) seen.insert(order.at(i));
    EXPECT_EQ(seen.size(), size);
    EXPECT_EQ(*seen.rbegin(), size - 1);
  }
}

}  // namespace
}  // namespace kadenza::services::catalogue
