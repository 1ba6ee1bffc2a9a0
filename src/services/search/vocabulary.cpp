// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/search/vocabulary.hpp"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "services/search/edit_walk.hpp"
#include "services/search/text.hpp"

namespace kadenza::services::search {
namespace {

// Adding to the recent words copies them, so when they are many they join the base, which is copied then.
constexpr std::size_t kRecentMax = 4096;

WordList merged(const WordList& words, const Vocabulary::NewWords& added) {
  WordList all;
  auto next = added.begin();
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto word = words.word(i);
    for (; next != added.end() && next->first < word; ++next) all.append(next->first, next->second);
    const bool same = next != added.end() && next->first == word;
    all.append(word, static_cast<std::uint8_t>(words.lists(i) | (same ? next->second : 0)));
    if (same) ++next;
  }
  for (; next != added.end(); ++next) all.append(next->first, next->second);
  all.shrink_to_fit();
  return all;
}

Vocabulary::NewWords as_map(const WordList& words) {
  Vocabulary::NewWords map;
  for (std::size_t i = 0; i < words.size(); ++i) map.emplace_hint(map.end(), words.word(i), words.lists(i));
  return map;
}

bool has(const WordList& words, std::string_view word, std::uint8_t lists) {
  const auto i = words.lower_bound(word);
  return i < words.size() && words.word(i) == word && (words.lists(i) & lists) == lists;
}

/// Walks the part of a word list that is near a word.
class SimilarWords {
 public:
  SimilarWords(const WordList& words, std::string_view word, unsigned edits, bool beginnings)
      : words_(words), walk_(word, edits), beginnings_(beginnings) {}

  void collect(Expansion& into, std::set<std::string>& begun) {
    into_ = &into;
    begun_ = &begun;
    descend(0, words_.size(), 0);
  }

 private:
  /// [low, high): the words that share the first `bytes` bytes, which are the walk's path.
  void descend(std::size_t low, std::size_t high, std::size_t bytes) {
    if (beginnings_ && walk_.accepts()) return take_branch(low, high, bytes);
    if (low < high && words_.word(low).size() == bytes) {
      if (walk_.accepts()) take(low);
      ++low;
    }
    while (low < high) {
      const auto word = words_.word(low);
      auto end = bytes;
      const auto c = next_character(word, end);
      walk_.push(c);
      const auto next = high_of(low, high, word.substr(0, end));
      if (walk_.alive()) descend(low, next, end);
      walk_.pop();
      low = next;
    }
  }

  /// The first word from `low` on that does not begin with `beginning`, by galloping: branches are mostly
  /// short.
  std::size_t high_of(std::size_t low, std::size_t high, std::string_view beginning) const {
    const auto inside = [&](std::size_t i) { return words_.word(i).starts_with(beginning); };
    std::size_t step = 1, known = low;
    while (low + step < high && inside(low + step)) {
      known = low + step;
      step *= 2;
    }
    auto outside = std::min(low + step, high);
    while (outside - known > 1) {
      const auto middle = known + (outside - known) / 2;
      (inside(middle) ? known : outside) = middle;
    }
    return outside;
  }

  void take_branch(std::size_t low, std::size_t high, std::size_t bytes) {
    if (walk_.depth() <= kIndexedBeginning) {
      begun_->emplace(words_.word(low).substr(0, bytes));
    } else {
      for (auto i = low; i < high; ++i) take(i);
    }
  }
  void take(std::size_t index) {
    into_->words.push_back({std::string(words_.word(index)), words_.lists(index), walk_.distance()});
  }

  const WordList& words_;
  EditWalk walk_;
  bool beginnings_;
  Expansion* into_ = nullptr;
  std::set<std::string>* begun_ = nullptr;
};

void keep_nearest(Expansion& expansion) {
  if (expansion.words.size() <= kExpansionMax) return;
  std::ranges::stable_sort(expansion.words, {}, &Expansion::Word::distance);
  expansion.words.resize(kExpansionMax);
}

}  // namespace

void WordList::append(std::string_view word, std::uint8_t lists) {
  bytes_ += word;
  ends_.push_back(static_cast<std::uint32_t>(bytes_.size()));
  lists_.push_back(lists);
}

void WordList::shrink_to_fit() {
  bytes_.shrink_to_fit();
  ends_.shrink_to_fit();
  lists_.shrink_to_fit();
}

std::string_view WordList::word(std::size_t index) const noexcept {
  const auto begin = index == 0 ? 0 : ends_[index - 1];
  return std::string_view(bytes_).substr(begin, ends_[index] - begin);
}

std::size_t WordList::lower_bound(std::string_view text, std::size_t low) const noexcept {
  auto high = size();
  while (low < high) {
    const auto middle = low + (high - low) / 2;
    if (word(middle) < text) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

Expansion VocabularySnapshot::begun_by(std::string_view word) const {
  Expansion found;
  if (count_characters(word) <= kIndexedBeginning) {
    found.beginnings.emplace_back(word);
    return found;
  }
  for (const auto& part : parts_) {
    for (auto i = part->lower_bound(word); i < part->size() && part->word(i).starts_with(word); ++i) {
      if (found.words.size() == kExpansionMax) return found;
      found.words.push_back({std::string(part->word(i)), part->lists(i), 0});
    }
  }
  return found;
}

Expansion VocabularySnapshot::similar_to(std::string_view word, unsigned edits) const {
  Expansion found;
  std::set<std::string> none;
  for (const auto& part : parts_) SimilarWords(*part, word, edits, false).collect(found, none);
  keep_nearest(found);
  return found;
}

Expansion VocabularySnapshot::begun_similar_to(std::string_view word, unsigned edits) const {
  Expansion found;
  std::set<std::string> begun;
  for (const auto& part : parts_) SimilarWords(*part, word, edits, true).collect(found, begun);
  found.beginnings.assign(begun.begin(), begun.end());
  keep_nearest(found);
  return found;
}

Vocabulary::Vocabulary(WordList words)
    : base_(std::make_shared<const WordList>(std::move(words))),
      recent_(std::make_shared<const WordList>()) {}

void Vocabulary::add(const NewWords& words) {
  if (words.empty()) return;
  auto snapshot = [&] {
    const std::lock_guard lock(mutex_);
    return std::pair(base_, recent_);
  }();
  auto& [base, recent] = snapshot;
  NewWords unknown;
  for (const auto& [word, lists] : words) {
    if (!has(*base, word, lists)) unknown.emplace_hint(unknown.end(), word, lists);
  }
  if (unknown.empty()) return;
  recent = std::make_shared<const WordList>(merged(*recent, unknown));
  if (recent->size() > kRecentMax) {
    base = std::make_shared<const WordList>(merged(*base, as_map(*recent)));
    recent = std::make_shared<const WordList>();
  }
  const std::lock_guard lock(mutex_);
  std::tie(base_, recent_) = std::move(snapshot);
}

VocabularySnapshot Vocabulary::snapshot() const {
  const std::lock_guard lock(mutex_);
  return {base_, recent_};
}

}  // namespace kadenza::services::search
