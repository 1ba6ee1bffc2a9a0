// SPDX-License-Identifier: AGPL-3.0-or-later
#include <algorithm>
#include <atomic>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/search/index_updater.hpp"
#include "services/search/scoring.hpp"
#include "services/search/search_index.hpp"
#include "unit/services/catalogue/catalogue_fixture.hpp"

namespace kadenza::services::search {
namespace {

using core::Errc;
using core::SearchRequest;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class SearchTest : public CatalogueTest {
 protected:
  SearchTest() { reopen(); }

  void reopen() {
    index.reset();
    index = SearchIndex::open(index_folder(), rows).value();
  }
  std::filesystem::path index_folder() const { return folder.path() / "search"; }

  void put(std::vector<core::Tags> tags) {
    std::vector<core::Song> songs;
    for (auto& one : tags) songs.push_back(sample_song(std::move(one), ++time));
    add(songs);
    ASSERT_TRUE(index->flush());
  }
  core::SearchResults search(const std::string& query) {
    const auto results = index->search({.query = query, .songs = 100, .albums = 100, .artists = 100});
    EXPECT_TRUE(results) << results.error().detail;
    return results.value_or(core::SearchResults{});
  }
  std::vector<std::string> songs(const std::string& query) {
    std::vector<std::string> titles;
    for (const auto& match : search(query).songs) titles.push_back(match.item.tags.title);
    return titles;
  }
  std::vector<std::string> artists(const std::string& query) {
    std::vector<std::string> names;
    for (const auto& match : search(query).artists) names.push_back(match.item.name);
    return names;
  }
  std::vector<std::string> albums(const std::string& query) {
    std::vector<std::string> titles;
    for (const auto& match : search(query).albums) titles.push_back(match.item.title);
    return titles;
  }
  std::vector<std::string> marked(const std::string& query) {
    std::vector<std::string> texts;
    const auto results = search(query);
    if (results.songs.empty()) return texts;
    const auto& match = results.songs.front();
    for (const auto& highlight : match.highlights) {
      const auto& tags = match.item.tags;
      const auto& text = highlight.field == core::Highlight::Field::kTitle    ? tags.title
                         : highlight.field == core::Highlight::Field::kArtist ? tags.artist
                                                                              : tags.album;
      texts.push_back(text.substr(highlight.offset, highlight.length));
    }
    return texts;
  }

  std::unique_ptr<SearchIndex> index;
  std::int64_t time = 0;
};

TEST_F(SearchTest, FindsSongsAlbumsAndArtistsSeparately) {
  put({{.title = "Yesterday", .artist = "The Beatles", .album = "Help!"}});
  EXPECT_THAT(songs("help"), ElementsAre("Yesterday"));
  EXPECT_THAT(albums("help"), ElementsAre("Help!"));
  EXPECT_THAT(artists("help"), IsEmpty());
  EXPECT_THAT(artists("beatles"), ElementsAre("The Beatles"));
  EXPECT_THAT(albums("beatles"), ElementsAre("Help!"));
}

TEST_F(SearchTest, FindsEveryWordInAnyField) {
  put({{.title = "Yesterday", .artist = "The Beatles", .album = "Help!"},
       {.title = "Yesterday", .artist = "Boyz II Men", .album = "II"}});
  EXPECT_EQ(search("help yesterday beat").songs.size(), 1);
  EXPECT_EQ(search("yesterday").songs.size(), 2);
  EXPECT_THAT(songs("yesterday polka"), IsEmpty());
}

TEST_F(SearchTest, FindsWhileTyping) {
  put({{.title = "Bohemian Rhapsody", .artist = "Queen", .album = "A Night at the Opera"}});
  const std::string typed = "bohemian rhapsody queen";
  for (std::size_t length = 1; length <= typed.size(); ++length)
    EXPECT_THAT(songs(typed.substr(0, length)), ElementsAre("Bohemian Rhapsody")) << typed.substr(0, length);
  EXPECT_THAT(songs("boh rhapsody"), IsEmpty()) << "only the last word is a beginning";
}

TEST_F(SearchTest, IgnoresAccentsAndCaseInAllScripts) {
  put({{.title = "Corazón Espinado", .artist = "Maná"},
       {.title = "Группа крови", .artist = "Кино"},
       {.title = "Тёмная ночь", .artist = "Бернес"},
       {.title = "Ζορμπάς", .artist = "Θεοδωράκης"},
       {.title = "東京ナイト", .artist = "山下達郎"},
       {.title = "Straßenbande", .artist = "Größe"},
       {.title = "강남스타일", .artist = "싸이"}});
  EXPECT_THAT(songs("corazon"), ElementsAre("Corazón Espinado"));
  EXPECT_THAT(songs("CORAZÓN MANA"), ElementsAre("Corazón Espinado"));
  EXPECT_THAT(songs("группа КИНО"), ElementsAre("Группа крови"));
  EXPECT_THAT(songs("темная"), ElementsAre("Тёмная ночь"));
  EXPECT_THAT(songs("ζορμπας"), ElementsAre("Ζορμπάς"));
  EXPECT_THAT(songs("京"), ElementsAre("東京ナイト"));
  EXPECT_THAT(songs("東京ないと"), ElementsAre("東京ナイト"));
  EXPECT_THAT(songs("ﾅｲﾄ 達郎"), ElementsAre("東京ナイト"));
  EXPECT_THAT(songs("strassenb"), ElementsAre("Straßenbande"));
  EXPECT_THAT(songs("강남"), ElementsAre("강남스타일"));
}

TEST_F(SearchTest, FindsWrittenWithOrWithoutPunctuation) {
  put({{.title = "Thunderstruck", .artist = "AC/DC"},
       {.title = "L'amour toujours", .artist = "Gigi D'Agostino"}});
  EXPECT_THAT(songs("acdc"), ElementsAre("Thunderstruck"));
  EXPECT_THAT(songs("ac/dc"), ElementsAre("Thunderstruck"));
  EXPECT_THAT(songs("amour"), ElementsAre("L'amour toujours"));
}

TEST_F(SearchTest, ForgivesOneErrorFromFourLettersAndTwoFromEight) {
  put({{.title = "Yesterday", .artist = "Beatles"},
       {.title = "Moon", .artist = "Sufjan"},
       {.title = "Sky", .artist = "X"}});
  EXPECT_THAT(songs("baetles"), ElementsAre("Yesterday"));
  EXPECT_THAT(songs("beetles"), ElementsAre("Yesterday"));
  EXPECT_THAT(songs("beettles yesterday"), ElementsAre("Yesterday"));
  EXPECT_THAT(songs("bxxtles"), IsEmpty());
  EXPECT_THAT(songs("yestreday"), ElementsAre("Yesterday"));
  EXPECT_THAT(songs("yxsterdxy"), ElementsAre("Yesterday"));
  EXPECT_THAT(songs("yxstxrdxy"), IsEmpty());
  EXPECT_THAT(songs("mooon"), ElementsAre("Moon"));
  EXPECT_THAT(songs("sku"), IsEmpty());
  EXPECT_THAT(songs("yestird"), ElementsAre("Yesterday")) << "errors in a word that is still being typed";
  EXPECT_THAT(artists("baetles"), ElementsAre("Beatles"));
}

TEST_F(SearchTest, OrdersByTierThenFieldThenNewest) {
  put({{.title = "Alpha", .artist = "A", .album = "Beat"},
       {.title = "Alpha", .artist = "Beat", .album = "C"},
       {.title = "Old Beat", .artist = "A", .album = "C"},
       {.title = "New Beat", .artist = "A", .album = "C"},
       {.title = "Beat", .artist = "A", .album = "C"},
       {.title = "Beatles", .artist = "A", .album = "C"},
       {.title = "Gamma", .artist = "Beaten", .album = "C"},
       {.title = "Bear", .artist = "A", .album = "C"}});
  const auto found = search("beat").songs;
  std::vector<std::string> order;
  for (const auto& match : found) order.push_back(match.item.tags.title + "/" + match.item.tags.artist);
  EXPECT_THAT(order, ElementsAre("Beat/A", "New Beat/A", "Old Beat/A", "Alpha/Beat", "Alpha/A", "Beatles/A",
                                 "Gamma/Beaten", "Bear/A"));
  EXPECT_TRUE(std::ranges::is_sorted(found, std::greater{}, &core::Match<core::Song>::score));
}

TEST_F(SearchTest, MarksWhatMatchedInTheOriginalText) {
  put({{.title = "Corazón Loco", .artist = "Straße & Ａｂｃ", .album = "Cora\u0301zon"}});
  EXPECT_THAT(marked("loco coraz"), ElementsAre("Coraz", "Loco", "Cora\u0301z"));
  EXPECT_THAT(marked("strasse"), ElementsAre("Straße"));
  EXPECT_THAT(marked("strass"), ElementsAre("Straß"));
  EXPECT_THAT(marked("ab"), ElementsAre("Ａｂ"));
  EXPECT_THAT(marked("corazonn"), ElementsAre("Corazón", "Cora\u0301zon"));
  const auto artist = search("abc").artists.at(0);
  ASSERT_EQ(artist.highlights.size(), 1);
  EXPECT_EQ(artist.highlights[0].field, core::Highlight::Field::kTitle);
  EXPECT_EQ(artist.item.name.substr(artist.highlights[0].offset, artist.highlights[0].length), "Ａｂｃ");
}

TEST_F(SearchTest, RefusesWhatNobodyTypes) {
  EXPECT_EQ(index->search({.query = std::string(257, 'a')}).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(index->search({.query = "a", .songs = 501}).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(index->search({.query = "a", .cursor = "nonsense"}).error().code, Errc::kInvalidArgument);
  EXPECT_THAT(songs(" \n"), IsEmpty());
}

// ---- against a plain search through all rows

std::vector<core::Song> random_songs(std::mt19937& random, std::size_t count) {
  const std::vector<std::string> vocabulary{
      "love",  "lover",  "lovely",  "glove", "Corazón", "corazones", "beat", "Beatles",
      "night", "nights", "light",   "1999",  "a",       "the",       "東京", "京都",
      "Жук",   "жуки",   "l'amour", "AC/DC", "tonight", "delight",   "ß",    "rhapsody"};
  const auto text = [&](std::size_t most) {
    std::string words;
    for (std::size_t i = 0, n = 1 + random() % most; i < n; ++i)
      words += (i == 0 ? "" : " ") + vocabulary[random() % vocabulary.size()];
    return words;
  };
  std::vector<core::Song> songs;
  std::set<core::SongId> ids;
  while (songs.size() < count) {
    core::Tags tags{.title = text(3), .artist = text(2), .album = text(2)};
    if (random() % 5 == 0) tags.album_artist = text(1);
    auto song = sample_song(std::move(tags), static_cast<std::int64_t>(random() % 100'000'000));
    if (ids.insert(song.id).second) songs.push_back(std::move(song));
  }
  return songs;
}

struct Scored {
  std::uint64_t score;
  core::SongId id;
  friend bool operator==(const Scored&, const Scored&) = default;
};

std::vector<Scored> plain_search(const std::vector<core::Song>& songs, const std::string& typed) {
  const auto query = parse_query(typed);
  std::vector<Scored> found;
  for (const auto& song : songs) {
    if (const auto tier = match(query, searched(song)))
      found.push_back({score(*tier, song.first_stored), song.id});
  }
  std::ranges::sort(found, [](const auto& a, const auto& b) {
    return a.score != b.score ? a.score > b.score : a.id < b.id;
  });
  return found;
}

const std::vector<std::string> kQueries{
    "love",   "lov",   "l",       "lovr",         "the love", "love the", "corazon beat",
    "beatls", "nigth", "light n", "1999",         "東京",     "東京 a",   "жук",
    "acdc",   "amour", "a",       "rapsody love", "京",       "nothing",  "strange words"};

TEST_F(SearchTest, FindsWhatAPlainSearchFindsInTheSameOrder) {
  std::mt19937 random(1);
  const auto all = random_songs(random, 600);
  for (std::size_t i = 0; i < all.size(); i += 100) {
    add({all.begin() + static_cast<std::ptrdiff_t>(i), all.begin() + static_cast<std::ptrdiff_t>(i + 100)});
    ASSERT_TRUE(index->flush());
  }
  for (const auto& typed : kQueries) {
    const auto expected = plain_search(all, typed);
    for (const std::uint32_t limit : {1U, 7U, 500U}) {
      std::vector<Scored> found;
      SearchRequest request{.query = typed, .songs = limit};
      do {
        const auto page = index->search(request).value();
        for (const auto& match : page.songs) found.push_back({match.score, match.item.id});
        EXPECT_LE(page.songs.size(), limit);
        request.cursor = page.next;
      } while (!request.cursor.empty());
      ASSERT_EQ(found.size(), expected.size()) << typed;
      EXPECT_EQ(found, expected) << typed << " by " << limit;
    }
  }
}

TEST_F(SearchTest, ScoresTheSameRowAlikeInAnotherIndex) {
  std::mt19937 random(2);
  const auto all = random_songs(random, 300);
  add(all);
  ASSERT_TRUE(index->flush());
  kadenza::testing::TemporaryFolder elsewhere;
  const auto other_database = catalogue::Database::open(elsewhere.path()).value();
  catalogue::Catalogue other_rows(*other_database);
  std::vector<core::Song> few(all.rbegin(), all.rbegin() + 60);
  ASSERT_TRUE(other_rows.merge(few));
  const auto other = SearchIndex::open(elsewhere.path() / "search", other_rows).value();
  ASSERT_TRUE(other->flush());
  for (const auto& typed : kQueries) {
    std::map<core::SongId, std::uint64_t> scores;
    const auto here = index->search({.query = typed, .songs = 500}).value();
    for (const auto& match : here.songs) scores[match.item.id] = match.score;
    const auto there = other->search({.query = typed, .songs = 500}).value();
    for (const auto& match : there.songs) EXPECT_EQ(match.score, scores.at(match.item.id)) << typed;
  }
}

TEST_F(SearchTest, PagesStayAsTheyAreWhileSongsAreAdded) {
  std::mt19937 random(3);
  const auto all = random_songs(random, 300);
  add(all);
  ASSERT_TRUE(index->flush());
  const auto expected = plain_search(all, "love");
  std::set<core::SongId> old;
  for (const auto& one : expected) old.insert(one.id);
  std::vector<Scored> found;
  SearchRequest request{.query = "love", .songs = 5};
  time = 200'000'000;
  do {
    const auto page = index->search(request).value();
    for (const auto& match : page.songs) {
      if (old.contains(match.item.id)) found.push_back({match.score, match.item.id});
    }
    request.cursor = page.next;
    put({{.title = fmt::format("love {}", time), .artist = "new"}});
  } while (!request.cursor.empty() && found.size() <= expected.size());
  EXPECT_EQ(found, expected);
}

// ---- healing

class SearchHealing : public SearchTest {
 protected:
  SearchHealing() { put({{.title = "First", .artist = "A", .album = "B"}}); }

  void expect_healed() {
    ASSERT_TRUE(index->flush());
    EXPECT_THAT(songs("first"), ElementsAre("First"));
    EXPECT_THAT(albums("b"), ElementsAre("B"));
    EXPECT_THAT(artists("a"), ElementsAre("A"));
    EXPECT_FALSE(search("first").partial);
  }
};

TEST_F(SearchHealing, OpensWhatIsThereWithoutIndexingAnew) {
  reopen();
  EXPECT_FALSE(index->update().value());
  expect_healed();
}

TEST_F(SearchHealing, CatchesUpWithSongsAddedBehindItsBack) {
  index.reset();
  add({sample_song({.title = "Second", .artist = "A"}, 100)});
  reopen();
  EXPECT_TRUE(search("first").partial);
  EXPECT_THAT(songs("second"), IsEmpty());
  expect_healed();
  EXPECT_THAT(songs("second"), ElementsAre("Second"));
}

TEST_F(SearchHealing, BuildsALostIndexAnew) {
  index.reset();
  std::filesystem::remove_all(index_folder());
  reopen();
  expect_healed();
}

TEST_F(SearchHealing, BuildsADamagedIndexAnew) {
  for (const auto* name : {"iamglass", "postlist.glass"}) {
    index.reset();
    std::filesystem::resize_file(index_folder() / name, 5);
    reopen();
    expect_healed();
  }
  index.reset();
  std::filesystem::remove(index_folder() / "postlist.glass");
  reopen();
  expect_healed();
}

TEST_F(SearchHealing, NoticesDamageWhileRunning) {
  for (int i = 0; i < 30; ++i) {
    std::vector<core::Tags> tags;
    for (int j = 0; j < 100; ++j) tags.push_back({.title = fmt::format("first {}x{}", i, j), .artist = "A"});
    put(std::move(tags));
  }
  const auto size = std::filesystem::file_size(index_folder() / "postlist.glass");
  {
    std::fstream file(index_folder() / "postlist.glass", std::ios::in | std::ios::out | std::ios::binary);
    const std::string zeros(size, '\xff');
    file.write(zeros.data(), static_cast<std::streamsize>(zeros.size()));
  }
  core::Result<core::SearchResults> found;
  for (int i = 0; i < 50 && found; ++i) found = index->search({.query = fmt::format("first {}x", i)});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Errc::kUnavailable);
  ASSERT_TRUE(index->flush());
  EXPECT_EQ(search("first 7x7").songs.size(), 11);
}

TEST_F(SearchHealing, DoesNotTakeTheIndexOfAnotherCatalogue) {
  kadenza::testing::TemporaryFolder elsewhere;
  const auto other_database = catalogue::Database::open(elsewhere.path()).value();
  catalogue::Catalogue other_rows(*other_database);
  ASSERT_TRUE(other_rows.merge(std::vector{sample_song({.title = "Other", .artist = "Z"})}));
  index.reset();
  {
    const auto other = SearchIndex::open(index_folder(), other_rows).value();
    ASSERT_TRUE(other->flush());
  }
  reopen();
  EXPECT_THAT(songs("other"), IsEmpty());
  expect_healed();
}

TEST_F(SearchHealing, StartsAnewWhenTheIndexIsAheadOfTheCatalogue) {
  index.reset();
  database.reset();
  std::filesystem::copy(folder.path() / "library.db", folder.path() / "backup.db");
  database = catalogue::Database::open(folder.path()).value();
  {
    catalogue::Catalogue newer(*database);
    ASSERT_TRUE(newer.merge(std::vector{sample_song({.title = "Lost", .artist = "L"}, 500)}));
    ASSERT_TRUE(SearchIndex::open(index_folder(), newer).value()->flush());
  }
  database.reset();
  std::filesystem::remove(folder.path() / "library.db-wal");
  std::filesystem::rename(folder.path() / "backup.db", folder.path() / "library.db");
  database = catalogue::Database::open(folder.path()).value();
  catalogue::Catalogue restored(*database);
  index = SearchIndex::open(index_folder(), restored).value();
  ASSERT_TRUE(index->flush());
  EXPECT_THAT(songs("lost"), IsEmpty());
  EXPECT_THAT(songs("first"), ElementsAre("First"));
  index.reset();
}

// ---- several threads

TEST_F(SearchTest, SearchesWhileSongsAreAdded) {
  put({{.title = "always here", .artist = "A"}});
  std::atomic<bool> done{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (!done) {
        const auto found = index->search({.query = "always h"});
        ASSERT_TRUE(found) << found.error().detail;
        EXPECT_FALSE(found->songs.empty());
      }
    });
  }
  for (int i = 0; i < 60; ++i)
    put({{.title = fmt::format("always haste {}", i), .artist = "B", .album = "C"}});
  done = true;
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(search("always").songs.size(), 61);
}

TEST_F(SearchTest, AnUpdaterMakesSongsFoundWithinASecond) {
  IndexUpdater updater(*index, [](const core::Error& error) { ADD_FAILURE() << error.detail; });
  for (const std::string title : {"morning", "noon", "evening"}) {
    add({sample_song({.title = title, .artist = "A"}, ++time)});
    updater.notify();
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (songs(title).empty() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    EXPECT_THAT(songs(title), Contains(title));
  }
}

}  // namespace
}  // namespace kadenza::services::search
