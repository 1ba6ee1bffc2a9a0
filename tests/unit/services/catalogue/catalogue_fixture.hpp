// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <memory>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "services/catalogue/catalogue.hpp"
#include "services/catalogue/database.hpp"
#include "support/temporary_folder.hpp"
#include "unit/services/catalogue/sample_songs.hpp"

namespace kadenza::services {

/// A catalogue in a folder of its own.
class CatalogueTest : public ::testing::Test {
 protected:
  CatalogueTest() : database(catalogue::Database::open(folder.path()).value()) {}

  void add(const std::vector<core::Song>& songs) {
    const auto merged = rows.merge(songs);
    ASSERT_TRUE(merged) << merged.error().detail;
    ASSERT_EQ(merged->added, songs.size());
  }

  kadenza::testing::TemporaryFolder folder;
  std::unique_ptr<catalogue::Database> database;
  catalogue::Catalogue rows{*database};
};

/// `count` songs with repeating artists, albums, genres and years, and times in random order.
inline std::vector<core::Song> many_songs(std::size_t count, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<core::Song> songs;
  for (std::size_t i = 0; i < count; ++i) {
    const auto album = random() % (count / 4 + 1);
    core::Tags tags{.title = fmt::format("Title {} of {}", random() % 50, i),
                    .artist = fmt::format("Artist {}", random() % 20),
                    .album = random() % 10 == 0 ? "" : fmt::format("Album {}", album)};
    tags.album_artist = fmt::format("Artist {}", album % 20);
    tags.year = static_cast<std::uint16_t>(album % 7 == 0 ? 0 : 1960 + album % 60);
    if (random() % 4 != 0) tags.genres.push_back(fmt::format("Genre {}", album % 3));
    songs.push_back(sample_song(std::move(tags), static_cast<std::int64_t>(random() % 1'000'000'000)));
  }
  return songs;
}

}  // namespace kadenza::services
