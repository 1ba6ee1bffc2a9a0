// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "interface/console.hpp"
#include "middleware/client.hpp"

namespace kadenza::interface {

enum class Style { kBold, kDim };
/// `text` in this style where colour is wanted.
std::string styled(const Console& console, Style style, const std::string& text);

struct Cell {
  std::string text;
  std::vector<middleware::HighlightInfo> highlights = {};
};

/// Columns as wide as their content; those marked elastic give way when the terminal is narrow.
class Table {
 public:
  static constexpr std::size_t kGap = 2;  ///< between columns

  explicit Table(std::vector<bool> elastic) : elastic_(std::move(elastic)) {}

  void add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }
  void print(Console& console, std::size_t indent) const;

 private:
  std::vector<std::size_t> column_widths(std::size_t terminal, std::size_t indent) const;

  std::vector<bool> elastic_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace kadenza::interface
