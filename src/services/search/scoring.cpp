// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/search/scoring.hpp"

#include <algorithm>

#include "services/search/edit_walk.hpp"

namespace kadenza::services::search {
namespace {

using Field = core::Highlight::Field;

constexpr unsigned kTimeBits = 48;
constexpr std::uint64_t kTimeMask = (std::uint64_t{1} << kTimeBits) - 1;

/// One word of a query and whether it is the last, which may be the beginning of a word.
struct Sought {
  const QueryWord& word;
  bool last;
};

bool finds(const Sought& sought, const Token& token, MatchKind kind) {
  const auto& word = sought.word;
  if (token.text == word.text) return true;
  if (kind == MatchKind::kExact || word.gram || token.gram) return false;
  if (sought.last && token.text.starts_with(word.text)) return true;
  if (kind == MatchKind::kPrefix || word.edits == 0) return false;
  return sought.last ? begins_within(word.text, token.text, word.edits)
                     : is_within(word.text, token.text, word.edits);
}

bool finds(const Sought& sought, const SearchedRow::Field& field, MatchKind kind) {
  const auto found = [&](const Token& token) { return finds(sought, token, kind); };
  return std::ranges::any_of(field.tokens, found) || std::ranges::any_of(field.unshown, found);
}

/// The last field that is needed to find all words.
std::optional<std::size_t> needed_field(const Query& query, const SearchedRow& row, MatchKind kind) {
  std::size_t needed = 0;
  for (const auto& word : query.words) {
    const Sought sought{word, &word == &query.words.back()};
    const auto found =
        std::ranges::find_if(row.fields, [&](const auto& field) { return finds(sought, field, kind); });
    if (found == row.fields.end()) return std::nullopt;
    needed = std::max(needed, static_cast<std::size_t>(found - row.fields.begin()));
  }
  return needed;
}

struct Range {
  std::uint32_t begin, end;
};

void add_ranges(const Sought& sought, const SearchedRow::Field& field, MatchKind kind,
                std::vector<Range>& ranges) {
  for (const auto& token : field.tokens) {
    // As the last word is being typed, longer words that begin with it light up as well.
    const auto reach = sought.last ? std::max(kind, MatchKind::kPrefix) : kind;
    if (!finds(sought, token, reach)) continue;
    const bool begun = token.text != sought.word.text && token.text.starts_with(sought.word.text);
    const auto end =
        sought.last && begun ? prefix_end(field.shown, token, count_characters(sought.word.text)) : token.end;
    ranges.push_back({token.begin, end});
  }
}

void append_merged(std::vector<Range> ranges, Field field, std::vector<core::Highlight>& highlights) {
  std::ranges::sort(ranges, {}, &Range::begin);
  std::optional<Range> open;
  const auto close = [&] {
    if (open) highlights.push_back({field, open->begin, open->end - open->begin});
  };
  for (const auto& range : ranges) {
    if (open && range.begin <= open->end) {
      open->end = std::max(open->end, range.end);
    } else {
      close();
      open = range;
    }
  }
  close();
}

}  // namespace

SearchedRow searched(const core::Song& song) {
  const auto& tags = song.tags;
  SearchedRow row{.fields = {}, .newest = song.first_stored};
  row.fields.push_back({Field::kTitle, tags.title, tokenize(tags.title), {}});
  row.fields.push_back({Field::kArtist, tags.artist, tokenize(tags.artist), {}});
  if (tags.listed_artist() != tags.artist) row.fields.back().unshown = tokenize(tags.listed_artist());
  row.fields.push_back({Field::kAlbum, tags.album, tokenize(tags.album), {}});
  return row;
}

SearchedRow searched(const core::Album& album) {
  SearchedRow row{.fields = {}, .newest = album.newest};
  row.fields.push_back({Field::kTitle, album.title, tokenize(album.title), {}});
  row.fields.push_back({Field::kArtist, album.artist, tokenize(album.artist), {}});
  return row;
}

SearchedRow searched(const core::Artist& artist, core::WallTime newest) {
  SearchedRow row{.fields = {}, .newest = newest};
  row.fields.push_back({Field::kTitle, artist.name, tokenize(artist.name), {}});
  return row;
}

std::optional<Tier> match(const Query& query, const SearchedRow& row) {
  if (query.words.empty()) return std::nullopt;
  if (whole_name(row.fields.front().tokens) == query.whole) return Tier::kWholeTitle;
  for (const auto kind : {MatchKind::kExact, MatchKind::kPrefix, MatchKind::kFuzzy}) {
    if (const auto field = needed_field(query, row, kind)) return tier_of(kind, *field);
  }
  return std::nullopt;
}

std::uint64_t score(Tier tier, core::WallTime newest) noexcept {
  const auto ms = std::max<std::int64_t>(newest.time_since_epoch().count(), 0);
  return std::uint64_t{kTiers - static_cast<unsigned>(tier)} << kTimeBits |
         std::min(static_cast<std::uint64_t>(ms), kTimeMask);
}

Tier tier_in(std::uint64_t score) noexcept {
  return static_cast<Tier>(kTiers - static_cast<unsigned>(score >> kTimeBits));
}

core::WallTime newest_in(std::uint64_t score) noexcept {
  return core::WallTime(std::chrono::milliseconds(score & kTimeMask));
}

std::vector<core::Highlight> highlights(const Query& query, const SearchedRow& row, Tier tier) {
  const auto kind = tier == Tier::kWholeTitle ? MatchKind::kExact
                                              : static_cast<MatchKind>((static_cast<unsigned>(tier) - 1) / 3);
  std::vector<core::Highlight> found;
  for (const auto& field : row.fields) {
    std::vector<Range> ranges;
    for (const auto& word : query.words)
      add_ranges({word, &word == &query.words.back()}, field, kind, ranges);
    append_merged(std::move(ranges), field.name, found);
  }
  return found;
}

}  // namespace kadenza::services::search
