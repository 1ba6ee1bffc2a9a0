// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <xapian.h>

#include "services/search/streams.hpp"

namespace kadenza::services::search {

/// The posting lists of one search. Its tiers meet the same words again and again, and opening a list walks
/// Xapian's B-tree anew; so a short list is read once and kept. Errors are Xapian's exceptions. The database
/// must outlive it; not thread-safe.
class PostingLists {
 public:
  /// Lists of up to so many documents are kept: most are, and a search keeps at most a kilobyte of each.
  static constexpr std::size_t kKeptMax = 256;

  explicit PostingLists(const Xapian::Database& database) : database_(database) {}

  /// The documents that have the term; null when there are none.
  StreamPtr open(const std::string& term);

 private:
  using Ids = std::vector<Xapian::docid>;

  /// Null when the list is longer than kKeptMax.
  std::shared_ptr<const Ids> read(const std::string& term) const;

  const Xapian::Database& database_;
  std::unordered_map<std::string, std::shared_ptr<const Ids>> read_;
};

}  // namespace kadenza::services::search
