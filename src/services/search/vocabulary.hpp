// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace kadenza::services::search {

/// Words in ascending order with the posting lists that each has, one bit for each. Immutable.
class WordList {
 public:
  WordList() = default;
  /// `words` must come in ascending order, each once.
  void append(std::string_view word, std::uint8_t lists);
  void shrink_to_fit();

  std::size_t size() const noexcept { return ends_.size(); }
  std::string_view word(std::size_t index) const noexcept;
  std::uint8_t lists(std::size_t index) const noexcept { return lists_[index]; }
  /// Of the words from `low` on, the first that is not below `text`.
  std::size_t lower_bound(std::string_view text, std::size_t low = 0) const noexcept;

 private:
  std::string bytes_;
  std::vector<std::uint32_t> ends_;
  std::vector<std::uint8_t> lists_;
};

/// What a word of a query stands for in the index: words, and beginnings that the index has lists for.
struct Expansion {
  struct Word {
    std::string text;
    std::uint8_t lists = 0;
    unsigned distance = 0;
  };
  std::vector<Word> words;
  std::vector<std::string> beginnings;
};
/// A hostile library could make a word stand for any number of others: the nearest count, then the first.
inline constexpr std::size_t kExpansionMax = 1024;

/// Beginnings of up to so many characters have posting lists of their own.
inline constexpr std::size_t kIndexedBeginning = 4;

/// All words of an index at one moment, for words that were begun or misspelt. Found by walking the sorted
/// list as a tree and leaving every branch that is too many edits away. Thread-safe: immutable.
class VocabularySnapshot {
 public:
  VocabularySnapshot(std::shared_ptr<const WordList> base, std::shared_ptr<const WordList> recent)
      : parts_{std::move(base), std::move(recent)} {}

  Expansion begun_by(std::string_view word) const;
  Expansion similar_to(std::string_view word, unsigned edits) const;
  Expansion begun_similar_to(std::string_view word, unsigned edits) const;

 private:
  std::shared_ptr<const WordList> parts_[2];
};

/// The growing vocabulary of an index. Thread-safe; a snapshot costs nothing.
class Vocabulary {
 public:
  explicit Vocabulary(WordList words = {});

  using NewWords = std::map<std::string, std::uint8_t, std::less<>>;
  void add(const NewWords& words);
  VocabularySnapshot snapshot() const;

 private:
  mutable std::mutex mutex_;  // guards the two pointers
  std::shared_ptr<const WordList> base_;
  std::shared_ptr<const WordList> recent_;
};

}  // namespace kadenza::services::search
