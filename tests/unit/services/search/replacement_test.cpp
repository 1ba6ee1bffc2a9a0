// SPDX-License-Identifier: AGPL-3.0-or-later
#include <filesystem>
#include <random>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "services/search/search_index.hpp"
#include "unit/services/catalogue/catalogue_fixture.hpp"
#include "unit/services/catalogue/everything.hpp"

namespace kadenza::services::search {
namespace {

/// A catalogue with its index.
struct Node {
  Node() : database(catalogue::Database::open(folder.path()).value()) { open_index(); }
  void open_index() {
    index.reset();
    index = SearchIndex::open(folder.path() / "search", rows).value();
  }
  void merge(std::span<const core::Song> songs) { EXPECT_TRUE(rows.merge(songs)); }

  kadenza::testing::TemporaryFolder folder;
  std::unique_ptr<catalogue::Database> database;
  catalogue::Catalogue rows{*database};
  std::unique_ptr<SearchIndex> index;
};

std::multiset<std::string> found(const Node& node, const std::string& query) {
  std::multiset<std::string> texts;
  const auto results = node.index->search({.query = query, .songs = 200, .albums = 200, .artists = 200});
  EXPECT_TRUE(results) << results.error().detail;
  if (!results) return texts;
  int place = 0;
  for (const auto& match : results->songs)
    texts.insert(fmt::format("song {:04} {} {}", place++, match.score, text_of(match.item)));
  for (const auto& match : results->albums)
    texts.insert(fmt::format("album {} {}", match.score, text_of(match.item)));
  for (const auto& match : results->artists)
    texts.insert(fmt::format("artist {} {}", match.score, text_of(match.item)));
  return texts;
}

void expect_same_search(const Node& node, const Node& expected) {
  for (const auto* query : {"title", "ti", "artist 1", "album", "artst 2", "rock", "various", "title 1", "a"})
    ASSERT_EQ(found(node, query), found(expected, query)) << query;
}

class ReplacementTest : public ::testing::TestWithParam<std::uint32_t> {};

TEST_P(ReplacementTest, SearchFindsWhatItWouldFindInTheWinnersAlone) {
  const auto history = contested_songs(60, GetParam());
  Node expected;
  expected.merge(winners(history));
  ASSERT_TRUE(expected.index->flush());

  std::mt19937 random(GetParam());
  auto shuffled = history;
  std::ranges::shuffle(shuffled, random);
  Node node;
  for (std::size_t at = 0; at < shuffled.size();) {
    const auto piece = std::min<std::size_t>(1 + random() % 20, shuffled.size() - at);
    node.merge(std::span(shuffled).subspan(at, piece));
    at += piece;
    if (random() % 2 == 0) {
      ASSERT_TRUE(node.index->update());
    }
    if (random() % 4 == 0) node.open_index();  // a crash between the catalogue and the index
  }
  ASSERT_TRUE(node.index->flush());
  expect_same_search(node, expected);

  const auto last = node.rows.last_change().value();
  node.open_index();
  EXPECT_FALSE(node.index->update().value()) << "the index was thrown away though it fits";
  EXPECT_EQ(node.rows.last_change().value(), last);
  expect_same_search(node, expected);

  std::filesystem::remove_all(node.folder.path() / "search");
  node.open_index();
  ASSERT_TRUE(node.index->flush());
  expect_same_search(node, expected);
}

INSTANTIATE_TEST_SUITE_P(Seeds, ReplacementTest, ::testing::Range(1u, 9u));

}  // namespace
}  // namespace kadenza::services::search
