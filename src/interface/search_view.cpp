// SPDX-License-Identifier: AGPL-3.0-or-later
#include "interface/search_view.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "interface/i18n.hpp"
#include "interface/table.hpp"

namespace kadenza::interface {
namespace {

Cell cell(std::string_view text, std::string_view field,
          const std::vector<middleware::HighlightInfo>& highlights) {
  Cell made{printable(text)};
  std::ranges::copy_if(highlights, std::back_inserter(made.highlights),
                       [&](const middleware::HighlightInfo& h) { return h.field == field; });
  return made;
}

std::string song_count(std::uint64_t count) {
  return fmt::format(fmt::runtime(trn("{} song", "{} songs", count)), count);
}

void print_artists(Console& console, const middleware::SearchAnswer& answer) {
  if (answer.artists.empty()) return;
  console.out << styled(console, Style::kBold, tr("Artists")) << '\n';
  Table table({true, false});
  for (const auto& artist : answer.artists) {
    table.add({cell(artist.name, "title", artist.highlights), {song_count(artist.song_count)}});
  }
  table.print(console, Table::kGap);
}

void print_albums(Console& console, const middleware::SearchAnswer& answer) {
  if (answer.albums.empty()) return;
  console.out << styled(console, Style::kBold, tr("Albums")) << '\n';
  Table table({true, true, false, false});
  for (const auto& album : answer.albums) {
    table.add({cell(album.title, "title", album.highlights),
               cell(album.artist, "artist", album.highlights),
               {album.year > 0 ? std::to_string(album.year) : ""},
               {song_count(album.song_count)}});
  }
  table.print(console, Table::kGap);
}

void print_songs(Console& console, const middleware::SearchAnswer& answer) {
  if (answer.songs.empty()) return;
  console.out << styled(console, Style::kBold, tr("Songs")) << '\n';
  constexpr std::size_t kIdWidth = 52;
  constexpr std::size_t kComfortable = 60;  // for title, artist, album and length
  const bool id_beside = console.width == 0 || console.width >= kComfortable + kIdWidth;
  Table table(id_beside ? std::vector<bool>{true, true, true, false, false}
                        : std::vector<bool>{true, true, true, false});
  const auto row_of = [](const middleware::SongHit& hit) {
    const auto seconds =
        static_cast<std::size_t>(std::chrono::round<std::chrono::seconds>(hit.song.duration).count());
    return std::vector<Cell>{cell(hit.song.title, "title", hit.highlights),
                             cell(hit.song.artist, "artist", hit.highlights),
                             cell(hit.song.album, "album", hit.highlights),
                             {format_duration(seconds)}};
  };
  if (id_beside) {
    for (const auto& hit : answer.songs) {
      auto row = row_of(hit);
      row.push_back({printable(hit.song.id)});
      table.add(std::move(row));
    }
    table.print(console, Table::kGap);
    return;
  }
  for (const auto& hit : answer.songs) {
    Table one({true, true, true, false});
    one.add(row_of(hit));
    one.print(console, Table::kGap);
    console.out << std::string(Table::kGap, ' ') << styled(console, Style::kDim, printable(hit.song.id))
                << '\n';
  }
}

}  // namespace

void print_search(Console& console, const middleware::SearchAnswer& answer) {
  print_artists(console, answer);
  print_albums(console, answer);
  print_songs(console, answer);
  if (answer.songs.empty() && answer.albums.empty() && answer.artists.empty()) {
    console.out << tr("Nothing was found.") << '\n';
  }
  if (answer.partial) {
    console.err << tr("Some nodes did not answer in time; there may be more.") << '\n';
  }
}

}  // namespace kadenza::interface
