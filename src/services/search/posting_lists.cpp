// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/search/posting_lists.hpp"

#include <algorithm>
#include <utility>

namespace kadenza::services::search {
namespace {

/// A list in the index.
class Postings final : public Stream {
 public:
  Postings(Xapian::PostingIterator begin, Xapian::PostingIterator end)
      : at_(std::move(begin)), end_(std::move(end)), here_(*at_) {}

  std::uint64_t seek(std::uint64_t document) override {
    if (here_ >= document) return here_;
    if (document == here_ + 1) {
      ++at_;
    } else {
      at_.skip_to(static_cast<Xapian::docid>(document));
    }
    here_ = at_ == end_ ? kEnd : *at_;
    return here_;
  }

 private:
  Xapian::PostingIterator at_, end_;
  std::uint64_t here_;
};

/// A list in memory.
class KeptPostings final : public Stream {
 public:
  explicit KeptPostings(std::shared_ptr<const std::vector<Xapian::docid>> ids)
      : ids_(std::move(ids)), at_(ids_->begin()) {}

  std::uint64_t seek(std::uint64_t document) override {
    at_ = std::lower_bound(at_, ids_->end(), document);
    return at_ == ids_->end() ? kEnd : *at_;
  }

 private:
  std::shared_ptr<const std::vector<Xapian::docid>> ids_;
  std::vector<Xapian::docid>::const_iterator at_;
};

}  // namespace

std::shared_ptr<const PostingLists::Ids> PostingLists::read(const std::string& term) const {
  Ids ids;
  const auto end = database_.postlist_end(term);
  for (auto at = database_.postlist_begin(term); at != end; ++at) {
    if (ids.size() == kKeptMax) return nullptr;
    ids.push_back(*at);
  }
  return std::make_shared<const Ids>(std::move(ids));
}

StreamPtr PostingLists::open(const std::string& term) {
  const auto [entry, is_new] = read_.try_emplace(term);
  if (is_new) entry->second = read(term);
  if (const auto& ids = entry->second) return ids->empty() ? nullptr : std::make_unique<KeptPostings>(ids);
  return std::make_unique<Postings>(database_.postlist_begin(term), database_.postlist_end(term));
}

}  // namespace kadenza::services::search
