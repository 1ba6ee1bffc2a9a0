// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "core/music_library.hpp"
#include "core/song.hpp"
#include "services/search/query.hpp"
#include "services/search/text.hpp"

namespace kadenza::services::search {

/// How a row matches, best first. The value is part of scores and cursors that travel between nodes: never
/// renumber. Within each of exact, prefix and fuzzy, the fields that are needed to find all words decide:
/// title alone, title and artist, or all three.
enum class Tier : std::uint8_t {
  kWholeTitle = 0,  ///< the title is what was typed
  kExactTitle = 1,
  kExactArtist = 2,
  kExactAny = 3,
  kPrefixTitle = 4,
  kPrefixArtist = 5,
  kPrefixAny = 6,
  kFuzzyTitle = 7,
  kFuzzyArtist = 8,
  kFuzzyAny = 9,
};
inline constexpr unsigned kTiers = 10;

enum class MatchKind : std::uint8_t { kExact = 0, kPrefix = 1, kFuzzy = 2 };
constexpr Tier tier_of(MatchKind kind, std::size_t field) {
  return static_cast<Tier>(1 + 3 * static_cast<unsigned>(kind) + field);
}

/// What search sees of a row: its fields in the order title, artist, album. An album has the first two, an
/// artist the first.
struct SearchedRow {
  struct Field {
    core::Highlight::Field name = core::Highlight::Field::kTitle;
    std::string_view shown;      ///< the text that highlights refer to
    std::vector<Token> tokens;   ///< of the shown text
    std::vector<Token> unshown;  ///< found, but not shown: the album artist beside a song's artist
  };
  std::vector<Field> fields;
  core::WallTime newest{};
};
SearchedRow searched(const core::Song& song);
SearchedRow searched(const core::Album& album);
SearchedRow searched(const core::Artist& artist, core::WallTime newest);

/// The tier in which the query finds the row, if it does. A pure function of the two.
std::optional<Tier> match(const Query& query, const SearchedRow& row);

/// Higher is better: tier, then newest first.
std::uint64_t score(Tier tier, core::WallTime newest) noexcept;
Tier tier_in(std::uint64_t score) noexcept;
core::WallTime newest_in(std::uint64_t score) noexcept;

/// Where the query's words stand in the shown texts, in order, without overlaps.
std::vector<core::Highlight> highlights(const Query& query, const SearchedRow& row, Tier tier);

}  // namespace kadenza::services::search
