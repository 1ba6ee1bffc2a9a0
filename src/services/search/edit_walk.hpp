// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kadenza::services::search {

/// Edit distance of one word to texts that are built character by character, as in a walk over a tree of
/// words: insertion, deletion, replacement and the swap of two neighbours count one each ("optimal string
/// alignment"). One owner.
class EditWalk {
 public:
  EditWalk(std::string_view folded_word, unsigned edits);

  void push(char32_t c);
  void pop();
  std::size_t depth() const noexcept { return path_.size(); }
  /// Of the word to the text pushed so far.
  unsigned distance() const noexcept { return row(depth())[width_ - 1]; }
  bool accepts() const noexcept { return distance() <= edits_; }
  /// False when no continuation of the text can be accepted.
  bool alive() const noexcept;

 private:
  std::uint8_t* row(std::size_t depth) noexcept { return rows_.data() + depth * width_; }
  const std::uint8_t* row(std::size_t depth) const noexcept { return rows_.data() + depth * width_; }

  std::u32string word_;
  std::u32string path_;
  unsigned edits_;
  std::size_t width_;
  std::vector<std::uint8_t> rows_;
};

/// Whether `text` is at most `edits` away from `word`.
bool is_within(std::string_view word, std::string_view text, unsigned edits);
/// The same for any beginning of `text`.
bool begins_within(std::string_view word, std::string_view text, unsigned edits);

}  // namespace kadenza::services::search
