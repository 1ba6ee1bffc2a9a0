// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kadenza::services::search {

/// A word as it is compared, and where it stands in the original text.
struct Token {
  /// Folded: NFKC with case folding, without accents, katakana as hiragana. At most kTokenBytesMax.
  std::string text;
  std::uint32_t begin = 0;  ///< bytes of the original
  std::uint32_t end = 0;
  /// For text without spaces between words (Han, kana, Thai …) tokens are single characters and pairs of
  /// them, found exactly: neither begun by a prefix nor misspelt.
  bool gram = false;
  /// The parts of a chunk such as "AC/DC" or "l'amour" written as one ("acdc"), beside the parts.
  bool joined = false;

  friend bool operator==(const Token&, const Token&) = default;
};
inline constexpr std::size_t kTokenBytesMax = 64;

/// The tokens of a text in order. Pure; any bytes will do. Text without a letter or digit gives its symbols.
std::vector<Token> tokenize(std::string_view utf8);

/// Byte offset in the original behind the first `characters` folded characters of the token at [begin, end).
std::uint32_t prefix_end(std::string_view utf8, const Token& token, std::size_t characters);

/// A whole name as one term: its tokens, cut to kWholeBytesMax bytes.
std::string whole_name(const std::vector<Token>& tokens);
inline constexpr std::size_t kWholeBytesMax = 200;

// ---- folded texts, which are valid UTF-8

/// Whether a token's text is one of text without spaces between words; see Token::gram.
bool is_gram(std::string_view folded) noexcept;

/// Reads the character at `at` and moves past it.
char32_t next_character(std::string_view folded, std::size_t& at) noexcept;
std::size_t count_characters(std::string_view folded) noexcept;
/// The first `count` characters, or all.
std::string_view first_characters(std::string_view folded, std::size_t count) noexcept;

}  // namespace kadenza::services::search
