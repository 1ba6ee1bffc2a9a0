// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kadenza::services::search {

struct QueryWord {
  std::string text;    ///< folded
  bool gram = false;   ///< see Token::gram
  unsigned edits = 0;  ///< misspellings it may have: 1 from 4 letters, 2 from 8; none for bare numbers

  friend bool operator==(const QueryWord&, const QueryWord&) = default;
};

/// What was typed, taken apart. Every word must be found; the last may be the beginning of one.
struct Query {
  std::vector<QueryWord> words;  ///< each once, at most kQueryWordsMax; further ones are left out
  std::string whole;             ///< compared with whole names, see whole_name()
};
inline constexpr std::size_t kQueryWordsMax = 16;

/// Pure; any bytes will do. No words: nothing was asked for.
Query parse_query(std::string_view typed);

}  // namespace kadenza::services::search
