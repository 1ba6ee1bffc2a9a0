// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/search/finder.hpp"

#include <algorithm>

namespace kadenza::services::search {

std::vector<Found> Finder::find(RowKind kind, std::size_t limit, Tier from,
                                std::optional<catalogue::Position> at) {
  std::vector<Found> found;
  for (auto number = static_cast<unsigned>(from); number < kTiers && found.size() < limit; ++number) {
    const auto here = static_cast<Tier>(number);
    const auto stream = tier(kind, here);
    if (!stream) continue;
    const bool resume = at && here == from;
    std::uint64_t document = resume ? document_id(kind, *at) : 0;
    while (found.size() < limit && (document = stream->seek(document)) != Stream::kEnd)
      found.push_back({here, position_of(kind, static_cast<Xapian::docid>(document++))});
  }
  return found;
}

StreamPtr Finder::whole(RowKind kind) {
  return lists_.open(whole_term(kind, query_.whole));
}

StreamPtr Finder::tier(RowKind kind, Tier tier) {
  if (tier == Tier::kWholeTitle) return whole(kind);
  const auto number = static_cast<unsigned>(tier) - 1;
  const auto match = static_cast<MatchKind>(number / 3);
  const std::size_t field = number % 3;
  if (field >= fields_of(kind) || !may_match(match)) return nullptr;
  // A row belongs to the best of its tiers only; in each kind of match, more fields find more.
  return without(matches(kind, match, field), [this, kind, match, field] {
    std::vector<StreamPtr> better;
    better.push_back(whole(kind));
    if (field > 0) better.push_back(matches(kind, match, field - 1));
    if (match != MatchKind::kExact)
      better.push_back(
          matches(kind, static_cast<MatchKind>(static_cast<unsigned>(match) - 1), fields_of(kind) - 1));
    return any_of(std::move(better));
  });
}

StreamPtr Finder::matches(RowKind kind, MatchKind match, std::size_t field) {
  std::vector<StreamPtr> words;
  for (std::size_t i = 0; i < query_.words.size(); ++i) {
    words.push_back(word(kind, i, match, field));
    if (!words.back()) return nullptr;
  }
  return all_of(std::move(words));
}

StreamPtr Finder::word(RowKind kind, std::size_t index, MatchKind match, std::size_t field) {
  const auto& sought = query_.words[index];
  const bool last = index + 1 == query_.words.size();
  const bool exact = match == MatchKind::kExact || sought.gram || (match == MatchKind::kPrefix && !last) ||
                     (!last && sought.edits == 0);
  std::vector<StreamPtr> streams;
  for (std::size_t in = 0; in <= field; ++in) {
    if (exact) {
      streams.push_back(lists_.open(word_term(kind, in, sought.text)));
      continue;
    }
    const auto& words = expansion(index, match);
    for (const auto& beginning : words.beginnings)
      streams.push_back(lists_.open(beginning_term(kind, in, beginning)));
    for (const auto& other : words.words) {
      if ((other.lists & list_bit(kind, in)) != 0)
        streams.push_back(lists_.open(word_term(kind, in, other.text)));
    }
  }
  return any_of(std::move(streams));
}

const Expansion& Finder::expansion(std::size_t index, MatchKind match) {
  const auto& sought = query_.words[index];
  const bool last = index + 1 == query_.words.size();
  if (match == MatchKind::kPrefix || sought.edits == 0) {
    auto& begun = begun_[index];
    if (!begun) begun = words_.begun_by(sought.text);
    return *begun;
  }
  auto& similar = similar_[index];
  if (!similar)
    similar = last ? words_.begun_similar_to(sought.text, sought.edits)
                   : words_.similar_to(sought.text, sought.edits);
  return *similar;
}

bool Finder::may_match(MatchKind match) const {
  if (match == MatchKind::kPrefix) return !query_.words.back().gram;
  if (match == MatchKind::kFuzzy)
    return std::ranges::any_of(query_.words, [](const auto& word) { return word.edits > 0; });
  return true;
}

}  // namespace kadenza::services::search
