// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/search/edit_walk.hpp"

#include <algorithm>

#include "services/search/text.hpp"

namespace kadenza::services::search {

EditWalk::EditWalk(std::string_view folded_word, unsigned edits) : edits_(edits) {
  for (std::size_t at = 0; at < folded_word.size();) word_ += next_character(folded_word, at);
  width_ = word_.size() + 1;
  rows_.resize(width_ * (width_ + edits_ + 2));
  for (std::size_t i = 0; i < width_; ++i) rows_[i] = static_cast<std::uint8_t>(i);
}

void EditWalk::push(char32_t c) {
  const auto depth = path_.size() + 1;
  if (rows_.size() < (depth + 1) * width_) rows_.resize((depth + 1) * width_);
  const auto* above = row(depth - 1);
  auto* here = row(depth);
  here[0] = static_cast<std::uint8_t>(std::min<std::size_t>(depth, UINT8_MAX));
  for (std::size_t i = 1; i < width_; ++i) {
    const int replaced = above[i - 1] + (word_[i - 1] == c ? 0 : 1);
    int best = std::min({replaced, above[i] + 1, here[i - 1] + 1});
    const bool swapped = depth >= 2 && i >= 2 && word_[i - 2] == c && word_[i - 1] == path_.back();
    if (swapped) best = std::min(best, row(depth - 2)[i - 2] + 1);
    here[i] = static_cast<std::uint8_t>(std::min(best, int{UINT8_MAX}));
  }
  path_ += c;
}

void EditWalk::pop() {
  path_.pop_back();
}

bool EditWalk::alive() const noexcept {
  return *std::min_element(row(depth()), row(depth()) + width_) <= edits_;
}

bool is_within(std::string_view word, std::string_view text, unsigned edits) {
  const auto letters = word.size() > text.size() ? word.size() - text.size() : text.size() - word.size();
  if (letters > 4 * std::size_t{edits}) return false;  // a character has at most four bytes
  EditWalk walk(word, edits);
  for (std::size_t at = 0; at < text.size();) {
    walk.push(next_character(text, at));
    if (!walk.alive()) return false;
  }
  return walk.accepts();
}

bool begins_within(std::string_view word, std::string_view text, unsigned edits) {
  EditWalk walk(word, edits);
  for (std::size_t at = 0; at < text.size() && walk.alive();) {
    walk.push(next_character(text, at));
    if (walk.accepts()) return true;
  }
  return false;
}

}  // namespace kadenza::services::search
