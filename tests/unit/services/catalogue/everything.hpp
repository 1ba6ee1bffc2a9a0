// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "core/sha256.hpp"
#include "services/catalogue/catalogue.hpp"
#include "services/catalogue/shard_reader.hpp"
#include "unit/services/catalogue/sample_songs.hpp"

namespace kadenza::services {

/// All items of a list, page after page.
template <class Ask>
auto all_pages(const Ask& ask) {
  core::PageRequest page;
  page.limit = 7;
  auto items = ask(page)->items;
  items.clear();
  do {
    auto got = ask(page);
    EXPECT_TRUE(got) << got.error().detail;
    if (!got) break;
    items.insert(items.end(), got->items.begin(), got->items.end());
    page.cursor = got->next;
  } while (!page.cursor.empty());
  return items;
}

inline std::string text_of(const core::Album& album) {
  return fmt::format("{} '{}' by '{}' {} {} [{}] {} songs {} ms, cover {}, newest {}", album.id.text(),
                     album.title, album.artist, album.artist_id.text(), album.year,
                     fmt::join(album.genres, ","), album.song_count, album.duration.count(),
                     album.cover_song ? album.cover_song->text() : "-",
                     album.newest.time_since_epoch().count());
}
inline std::string text_of(const core::Artist& artist) {
  return fmt::format("{} '{}' {} albums {} songs, cover {}", artist.id.text(), artist.name,
                     artist.album_count, artist.song_count,
                     artist.cover_song ? artist.cover_song->text() : "-");
}
inline std::string text_of(const core::Song& song) {
  return fmt::format("{} '{}' {} {}", song.id.text(), song.tags.title, song.audio.text(),
                     song.first_stored.time_since_epoch().count());
}
template <class T>
std::multiset<std::string> texts_of(const std::vector<T>& items) {
  std::multiset<std::string> texts;
  for (const auto& item : items) texts.insert(text_of(item));
  return texts;
}

/// Whatever a catalogue can be asked for, as texts by name. The order is kept where it does not depend on how
/// rows came: the songs by time.
inline std::map<std::string, std::multiset<std::string>> everything(const catalogue::Catalogue& rows) {
  std::map<std::string, std::multiset<std::string>> all;
  const auto totals = rows.totals().value();
  all["totals"] = {fmt::format("{} songs {} albums {} artists {} genres {} bytes {} ms", totals.songs,
                               totals.albums, totals.artists, totals.genres, totals.bytes,
                               totals.duration.count())};
  int place = 0;
  using SongOrder = core::SongListRequest::Order;
  for (const auto order : {SongOrder::kNewest, SongOrder::kTitle, SongOrder::kRandom}) {
    const auto songs =
        all_pages([&](const auto& page) { return rows.songs({.order = order, .page = page}); });
    for (const auto& song : songs) {
      const auto at = order == SongOrder::kNewest ? place++ : 0;
      all[fmt::format("songs {}", static_cast<int>(order))].insert(
          fmt::format("{:04} {}", at, text_of(song)));
    }
  }
  const auto genres = all_pages([&](const auto& page) { return rows.genres(page); });
  for (const auto& genre : genres) {
    all["genres"].insert(fmt::format("{} {} {}", genre.name, genre.song_count, genre.album_count));
    all["songs of genre " + genre.name] = texts_of(all_pages([&](const auto& page) {
      return rows.songs({.order = SongOrder::kRandom, .genre = genre.name, .page = page});
    }));
  }
  using AlbumOrder = core::AlbumListRequest::Order;
  for (const auto order : {AlbumOrder::kNewest, AlbumOrder::kTitle, AlbumOrder::kArtist, AlbumOrder::kYear,
                           AlbumOrder::kRandom}) {
    all[fmt::format("albums {}", static_cast<int>(order))] =
        texts_of(all_pages([&](const auto& page) { return rows.albums({.order = order, .page = page}); }));
    for (const auto& genre : genres) {
      all[fmt::format("albums {} of {}", static_cast<int>(order), genre.name)] =
          texts_of(all_pages([&](const auto& page) {
            return rows.albums({.order = order, .genre = genre.name, .page = page});
          }));
    }
  }
  for (const auto& album : all_pages(
           [&](const auto& page) { return rows.albums({.order = AlbumOrder::kTitle, .page = page}); })) {
    const auto detail = rows.album(album.id).value();
    all["album " + album.id.text()] = texts_of(detail.songs);
  }
  for (const auto& artist : all_pages([&](const auto& page) { return rows.artists(page); })) {
    all["artists"].insert(text_of(artist));
    const auto detail = rows.artist(artist.id).value();
    all["albums of " + artist.id.text()] = texts_of(detail.albums);
    all["appearances of " + artist.id.text()] = texts_of(detail.appears_on);
    all["songs of " + artist.id.text()] = texts_of(all_pages([&](const auto& page) {
      return rows.songs({.order = SongOrder::kRandom, .artist = artist.id, .page = page});
    }));
  }
  return all;
}

/// Versions of songs as a partition leaves them: of each song up to three, stored at other times, with other
/// audio, and spelt, tagged and listed otherwise.
inline std::vector<core::Song> contested_songs(std::size_t count, std::uint32_t seed) {
  std::mt19937 random(seed);
  const auto one_of = [&](std::vector<std::string> choices) { return choices[random() % choices.size()]; };
  std::vector<core::Song> songs;
  for (std::size_t i = 0; i < count; ++i) {
    const auto album = random() % (count / 3 + 1);
    const auto artist = random() % 5;
    const bool single = random() % 8 == 0;
    for (auto versions = 1 + random() % 3; versions > 0; --versions) {
      core::Tags tags{.title = fmt::format("{} {}", one_of({"Title", "TITLE", "title"}), i),
                      .artist = fmt::format("{} {}", one_of({"Artist", "ARTIST"}), artist),
                      .album = single ? "" : fmt::format("{} {}", one_of({"Album", "album"}), album)};
      if (random() % 2 == 0)
        tags.album_artist = fmt::format("{} {}", one_of({"Artist", "artist"}), album % 4);
      tags.compilation = random() % 6 == 0;
      tags.year = static_cast<std::uint16_t>(random() % 3 == 0 ? 0 : 1970 + random() % 40);
      if (random() % 4 != 0) tags.genres.push_back(one_of({"Rock", "rock", "Jazz", "Folk"}));
      if (random() % 4 == 0) tags.genres.push_back(one_of({"Folk", "Zydeco"}));
      auto song = sample_song(std::move(tags), static_cast<std::int64_t>(3000 * (random() % 100'000)));
      song.audio = core::sha256(fmt::format("{} {}", i, versions));
      if (random() % 3 == 0) song.cover = core::sha256(fmt::format("cover {} {}", i, versions));
      song.size += random() % 1000;
      song.properties.duration += std::chrono::milliseconds(random() % 1000);
      songs.push_back(std::move(song));
    }
  }
  return songs;
}

/// The rows that a map of winners holds in the end, oldest first.
inline std::vector<core::Song> winners(const std::vector<core::Song>& songs) {
  std::map<core::SongId, core::Song> best;
  for (const auto& song : songs) {
    const auto [there, added] = best.emplace(song.id, song);
    if (!added && catalogue::wins_over(song, there->second)) there->second = song;
  }
  std::vector<core::Song> rows;
  for (auto& [id, song] : best) rows.push_back(std::move(song));
  std::ranges::sort(rows, {}, [](const auto& song) { return std::tuple(song.first_stored, song.id); });
  return rows;
}

}  // namespace kadenza::services
