// SPDX-License-Identifier: AGPL-3.0-or-later
#include "interface/table.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace kadenza::interface {
namespace {

constexpr std::string_view kBold = "\x1b[1m";
constexpr std::string_view kDim = "\x1b[2m";
constexpr std::string_view kMatch = "\x1b[1;33m";
constexpr std::string_view kPlain = "\x1b[0m";
constexpr std::size_t kTextColumnMin = 8;

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

}  // namespace

std::string styled(const Console& console, Style style, const std::string& text) {
  return console.colour ? fmt::format("{}{}{}", style == Style::kBold ? kBold : kDim, text, kPlain) : text;
}

void Table::print(Console& console, std::size_t indent) const {
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

std::vector<std::size_t> Table::column_widths(std::size_t terminal, std::size_t indent) const {
  std::vector<std::size_t> widths(elastic_.size(), 0);
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], display_width(row[i].text));
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

}  // namespace kadenza::interface
