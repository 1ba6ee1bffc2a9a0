// SPDX-License-Identifier: AGPL-3.0-or-later
#include "interface/search_view.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "interface/i18n.hpp"

namespace kadenza::interface {
namespace {

constexpr std::string_view kBold = "\x1b[1m";
constexpr std::string_view kDim = "\x1b[2m";
constexpr std::string_view kMatch = "\x1b[1;33m";
constexpr std::string_view kPlain = "\x1b[0m";
constexpr std::size_t kGap = 2;
constexpr std::size_t kTextColumnMin = 8;

std::string styled(const Console& console, std::string_view style, const std::string& text) {
  return console.colour ? fmt::format("{}{}{}", style, text, kPlain) : text;
}

struct Cell {
  std::string text;
  std::vector<middleware::HighlightInfo> highlights = {};
};

/// `text` with its matches coloured; offsets count code points of the whole text, of which `text` may be a
/// part.
std::string highlighted(const Console& console, const Cell& cell, const std::string& shown) {
  if (!console.colour || cell.highlights.empty()) return shown;
  const std::u32string points = decode_utf8(shown);
  std::string out;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const auto inside = [&](const middleware::HighlightInfo& h) {
      return i >= h.offset && i - h.offset < h.length;
    };
    const bool match = std::ranges::any_of(cell.highlights, inside);
    const bool before = i > 0 && std::ranges::any_of(cell.highlights, [&](const auto& h) {
                          return i - 1 >= h.offset && i - 1 - h.offset < h.length;
                        });
    if (match && !before) out += kMatch;
    if (!match && before) out += kPlain;
    out += encode_utf8({points.data() + i, 1});
  }
  return out + std::string(kPlain);
}

Cell cell(std::string_view text, std::string_view field,
          const std::vector<middleware::HighlightInfo>& highlights) {
  Cell made{printable(text)};
  std::ranges::copy_if(highlights, std::back_inserter(made.highlights),
                       [&](const middleware::HighlightInfo& h) { return h.field == field; });
  return made;
}

/// Columns as wide as their content; those marked elastic give way when the terminal is narrow.
class Table {
 public:
  explicit Table(std::vector<bool> elastic) : elastic_(std::move(elastic)) {}

  void add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }

  void print(Console& console, std::size_t indent) const {
    const std::vector<std::size_t> widths = column_widths(console.width, indent);
    for (const auto& row : rows_) {
      std::string line(indent, ' ');
      for (std::size_t i = 0; i < row.size(); ++i) {
        const bool last = i + 1 == row.size();
        std::string shown = last && !elastic_[i] ? row[i].text : fitted(row[i].text, widths[i]);
        line += highlighted(console, row[i], shown);
        if (!last) line += std::string(kGap, ' ');
      }
      line.erase(line.find_last_not_of(' ') + 1);
      console.out << line << '\n';
    }
  }

 private:
  std::vector<std::size_t> column_widths(std::size_t terminal, std::size_t indent) const {
    std::vector<std::size_t> widths(elastic_.size(), 0);
    for (const auto& row : rows_) {
      for (std::size_t i = 0; i < row.size(); ++i)
        widths[i] = std::max(widths[i], display_width(row[i].text));
    }
    std::size_t total = indent + kGap * (widths.size() - 1);
    for (const std::size_t width : widths) total += width;
    while (terminal > 0 && total > terminal) {
      std::size_t widest = widths.size();
      for (std::size_t i = 0; i < widths.size(); ++i) {
        if (elastic_[i] && widths[i] > kTextColumnMin &&
            (widest == widths.size() || widths[i] > widths[widest]))
          widest = i;
      }
      if (widest == widths.size()) break;
      --widths[widest];
      --total;
    }
    return widths;
  }

  std::vector<bool> elastic_;
  std::vector<std::vector<Cell>> rows_;
};

std::string song_count(std::uint64_t count) {
  return fmt::format(fmt::runtime(trn("{} song", "{} songs", count)), count);
}

void print_artists(Console& console, const middleware::SearchAnswer& answer) {
  if (answer.artists.empty()) return;
  console.out << styled(console, kBold, tr("Artists")) << '\n';
  Table table({true, false});
  for (const auto& artist : answer.artists) {
    table.add({cell(artist.name, "title", artist.highlights), {song_count(artist.song_count)}});
  }
  table.print(console, kGap);
}

void print_albums(Console& console, const middleware::SearchAnswer& answer) {
  if (answer.albums.empty()) return;
  console.out << styled(console, kBold, tr("Albums")) << '\n';
  Table table({true, true, false, false});
  for (const auto& album : answer.albums) {
    table.add({cell(album.title, "title", album.highlights),
               cell(album.artist, "artist", album.highlights),
               {album.year > 0 ? std::to_string(album.year) : ""},
               {song_count(album.song_count)}});
  }
  table.print(console, kGap);
}

void print_songs(Console& console, const middleware::SearchAnswer& answer) {
  if (answer.songs.empty()) return;
  console.out << styled(console, kBold, tr("Songs")) << '\n';
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
    table.print(console, kGap);
    return;
  }
  for (const auto& hit : answer.songs) {
    Table one({true, true, true, false});
    one.add(row_of(hit));
    one.print(console, kGap);
    console.out << std::string(kGap, ' ') << styled(console, kDim, printable(hit.song.id)) << '\n';
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
