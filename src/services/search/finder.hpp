// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <optional>
#include <vector>

#include <xapian.h>

#include "services/search/posting_lists.hpp"
#include "services/search/query.hpp"
#include "services/search/scoring.hpp"
#include "services/search/streams.hpp"
#include "services/search/terms.hpp"
#include "services/search/vocabulary.hpp"

namespace kadenza::services::search {

struct Found {
  Tier tier;
  catalogue::Position position;
};

/// Finds the rows of one query, tier by tier and newest first. Lives as long as one search; the database,
/// the query and the words must outlive it.
class Finder {
 public:
  Finder(const Xapian::Database& database, const Query& query, const VocabularySnapshot& words)
      : lists_(database), query_(query), words_(words) {}

  /// Up to `limit` rows of a kind, beginning in tier `from` at the row with position `at` when given.
  std::vector<Found> find(RowKind kind, std::size_t limit, Tier from = Tier::kWholeTitle,
                          std::optional<catalogue::Position> at = std::nullopt);

 private:
  StreamPtr whole(RowKind kind);
  StreamPtr tier(RowKind kind, Tier tier);
  /// Rows in which all words are found, in fields up to `field`.
  StreamPtr matches(RowKind kind, MatchKind match, std::size_t field);
  StreamPtr word(RowKind kind, std::size_t index, MatchKind match, std::size_t field);
  const Expansion& expansion(std::size_t index, MatchKind match);
  bool may_match(MatchKind match) const;

  PostingLists lists_;
  const Query& query_;
  const VocabularySnapshot& words_;
  std::vector<std::optional<Expansion>> begun_ = std::vector<std::optional<Expansion>>(kQueryWordsMax);
  std::vector<std::optional<Expansion>> similar_ = std::vector<std::optional<Expansion>>(kQueryWordsMax);
};

}  // namespace kadenza::services::search
