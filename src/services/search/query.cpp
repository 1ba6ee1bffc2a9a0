// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/search/query.hpp"

#include <algorithm>

#include "services/search/text.hpp"

namespace kadenza::services::search {
namespace {

unsigned edits_for(const Token& token) {
  const bool number = std::ranges::all_of(token.text, [](char c) { return c >= '0' && c <= '9'; });
  if (token.gram || number) return 0;
  const auto letters = count_characters(token.text);
  return letters >= 8 ? 2 : letters >= 4 ? 1 : 0;
}

}  // namespace

Query parse_query(std::string_view typed) {
  auto tokens = tokenize(typed);
  Query query{.words = {}, .whole = whole_name(tokens)};
  std::erase_if(tokens, [](const Token& token) { return token.joined; });
  // A pair of characters says all that its two characters say.
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const auto& token = tokens[i];
    const bool in_pair =
        token.gram && std::ranges::any_of(tokens, [&](const Token& other) {
          return other.gram && &other != &token && other.begin <= token.begin && other.end >= token.end;
        });
    const bool again = std::any_of(tokens.begin() + static_cast<std::ptrdiff_t>(i) + 1, tokens.end(),
                                   [&](const Token& later) { return later.text == token.text; });
    if (!in_pair && !again) query.words.push_back({token.text, token.gram, edits_for(token)});
  }
  if (query.words.size() > kQueryWordsMax) query.words.resize(kQueryWordsMax);
  return query;
}

}  // namespace kadenza::services::search
