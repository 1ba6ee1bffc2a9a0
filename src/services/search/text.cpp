// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/search/text.hpp"

#include <algorithm>
#include <forward_list>
#include <span>

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/uscript.h>
#include <unicode/utf8.h>

#include "core/check.hpp"

namespace kadenza::services::search {
namespace {

enum class Kind : std::uint8_t { kSpace, kPunctuation, kWord, kGram };

/// A character with the marks that belong to it, folded.
struct Letter {
  Kind kind = Kind::kPunctuation;
  std::string text;
};

/// A letter where it stands in the original. The text is that of the Letter.
struct Cluster {
  Kind kind = Kind::kPunctuation;
  std::string_view text;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

struct Normalizers {
  const icu::Normalizer2* casefold;
  const icu::Normalizer2* decompose;
  const icu::Normalizer2* compose;
};

const Normalizers& normalizers() {
  static const Normalizers all = [] {
    UErrorCode status = U_ZERO_ERROR;
    const Normalizers found{icu::Normalizer2::getNFKCCasefoldInstance(status),
                            icu::Normalizer2::getNFDInstance(status),
                            icu::Normalizer2::getNFCInstance(status)};
    KADENZA_CHECK(U_SUCCESS(status));
    return found;
  }();
  return all;
}

/// Accents, diaeresis, cedilla, Hebrew and Arabic points. Not the marks that make another letter: kana's
/// voicing (class 8), viramas (9) and the vowels of Indic and South-East Asian scripts.
bool is_accent(UChar32 c) {
  const auto combining = u_getCombiningClass(c);
  return combining >= 200 || combining == 1 || (combining >= 10 && combining <= 36);
}

/// Letters whose stroke or bar is no accent to Unicode, yet is left out by people who cannot type it.
std::u16string_view plain_letters(UChar32 c) {
  switch (c) {
    case u'ø':
      return u"o";
    case u'ł':
      return u"l";
    case u'đ':
    case u'ð':
      return u"d";
    case u'ħ':
      return u"h";
    case u'ŧ':
      return u"t";
    case u'ı':
      return u"i";
    case u'æ':
      return u"ae";
    case u'œ':
      return u"oe";
    case u'þ':
      return u"th";
    default:
      return {};
  }
}

UChar32 hiragana_of(UChar32 c) {
  return c >= 0x30A1 && c <= 0x30F6 ? c - 0x60 : c;
}

std::string fold(const icu::UnicodeString& original) {
  UErrorCode status = U_ZERO_ERROR;
  const auto folded = normalizers().casefold->normalize(original, status);
  const auto decomposed = normalizers().decompose->normalize(folded, status);
  icu::UnicodeString plain;
  for (int32_t i = 0; i < decomposed.length(); i = decomposed.moveIndex32(i, 1)) {
    const UChar32 c = decomposed.char32At(i);
    if (is_accent(c)) continue;
    if (const auto letters = plain_letters(c); !letters.empty()) {
      plain.append(letters.data(), 0, static_cast<int32_t>(letters.size()));
    } else {
      plain.append(hiragana_of(c));
    }
  }
  const auto composed = normalizers().compose->normalize(plain, status);
  KADENZA_CHECK(U_SUCCESS(status));
  std::string utf8;
  return composed.toUTF8String(utf8);
}

bool has_no_spaces_between_words(UChar32 c) {
  UErrorCode status = U_ZERO_ERROR;
  switch (uscript_getScript(c, &status)) {
    case USCRIPT_HAN:
    case USCRIPT_HIRAGANA:
    case USCRIPT_KATAKANA:
    case USCRIPT_BOPOMOFO:
    case USCRIPT_THAI:
    case USCRIPT_LAO:
    case USCRIPT_KHMER:
    case USCRIPT_MYANMAR:
      return true;
    default:
      return c == 0x30FC || c == 0xFF70;  // the prolonged sound mark, common to both kana
  }
}

Kind kind_of(UChar32 c, const std::string& folded) {
  if (u_isUWhiteSpace(c) || u_iscntrl(c)) return Kind::kSpace;
  if (folded.empty()) return Kind::kWord;  // a soft hyphen and the like: part of the word around it
  if (has_no_spaces_between_words(c)) return Kind::kGram;
  const auto category = U_GET_GC_MASK(c);
  if ((category & (U_GC_L_MASK | U_GC_N_MASK | U_GC_M_MASK)) != 0) return Kind::kWord;
  return Kind::kPunctuation;
}

Letter letter_of(const icu::UnicodeString& original) {
  auto folded = fold(original);
  const auto kind = kind_of(original.char32At(0), folded);
  return {kind, std::move(folded)};
}

/// Folding one letter takes microseconds, so those of the Latin, Greek and Cyrillic blocks are folded once.
constexpr UChar32 kKnownEnd = 0x530;

const Letter& known_letter(UChar32 c) {
  static const std::vector<Letter> letters = [] {
    std::vector<Letter> made;
    for (UChar32 letter = 0; letter < kKnownEnd; ++letter)
      made.push_back(letter_of(icu::UnicodeString(letter)));
    return made;
  }();
  return letters[static_cast<std::size_t>(c)];
}

bool is_ascii(std::string_view utf8, std::size_t at) {
  return at >= utf8.size() || static_cast<unsigned char>(utf8[at]) < 0x80;
}

/// Splits a text into clusters, which live as long as this.
class ClusterReader {
 public:
  explicit ClusterReader(std::string_view utf8) : utf8_(utf8) {}

  /// The cluster that begins at `at`: characters up to the next that normalisation cannot join to them.
  Cluster at(std::uint32_t begin) {
    if (is_ascii(utf8_, begin) && is_ascii(utf8_, begin + 1))
      return cluster(known_letter(utf8_[begin]), begin, begin + 1);
    constexpr int kCharactersMax = 32;  // nobody means more marks than that on one letter
    const auto size = static_cast<int32_t>(utf8_.size());
    auto end = static_cast<int32_t>(begin);
    UChar32 first = 0;
    int count = 0;
    for (; end < size && count < kCharactersMax; ++count) {
      UChar32 c = 0;
      int32_t next = end;
      U8_NEXT_OR_FFFD(utf8_.data(), next, size, c);
      if (count == 0) {
        first = c;
      } else if (normalizers().casefold->hasBoundaryBefore(c) && !is_accent(c)) {
        break;
      }
      end = next;
    }
    const auto behind = static_cast<std::uint32_t>(end);
    if (count == 1 && first < kKnownEnd) return cluster(known_letter(first), begin, behind);
    others_.push_front(letter_of(icu::UnicodeString::fromUTF8(
        icu::StringPiece(utf8_.data() + begin, static_cast<int32_t>(behind - begin)))));
    return cluster(others_.front(), begin, behind);
  }

  std::vector<Cluster> all() {
    std::vector<Cluster> clusters;
    clusters.reserve(utf8_.size());
    for (std::uint32_t begin = 0; begin < utf8_.size(); begin = clusters.back().end)
      clusters.push_back(at(begin));
    return clusters;
  }

 private:
  static Cluster cluster(const Letter& letter, std::uint32_t begin, std::uint32_t end) {
    return {letter.kind, letter.text, begin, end};
  }

  std::string_view utf8_;
  std::forward_list<Letter> others_;  // those that no table has
};

bool is_continuation(char c) noexcept {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

void cut(std::string& text, std::size_t bytes) {
  if (text.size() <= bytes) return;
  while (bytes > 0 && is_continuation(text[bytes])) --bytes;
  text.resize(bytes);
}

/// append() calls memcpy even for the single byte that nearly every letter is.
void append(std::string& to, std::string_view letter) {
  letter.size() == 1 ? to.push_back(letter.front()) : void(to.append(letter));
}

/// Turns the clusters of one chunk, which has no white space, into tokens.
class ChunkReader {
 public:
  ChunkReader(std::span<const Cluster> chunk, std::vector<Token>& tokens)
      : chunk_(chunk), tokens_(tokens), first_(tokens.size()) {}

  void read() {
    for (std::size_t i = 0; i < chunk_.size();) {
      switch (chunk_[i].kind) {
        case Kind::kWord:
          i = read_word(i);
          break;
        case Kind::kGram:
          i = read_gram(i);
          break;
        default:
          ++i;
      }
    }
    if (words_ > 1) tokens_.push_back(joined());
  }

 private:
  std::size_t read_word(std::size_t i) {
    Token token{.text = {}, .begin = chunk_[i].begin, .end = 0};
    for (; i < chunk_.size() && chunk_[i].kind == Kind::kWord; ++i) {
      append(token.text, chunk_[i].text);
      token.end = chunk_[i].end;
    }
    cut(token.text, kTokenBytesMax);
    ++words_;
    tokens_.push_back(std::move(token));
    return i;
  }

  std::size_t read_gram(std::size_t i) {
    const auto& here = chunk_[i];
    tokens_.push_back({.text = std::string(here.text), .begin = here.begin, .end = here.end, .gram = true});
    if (i + 1 < chunk_.size() && chunk_[i + 1].kind == Kind::kGram) {
      const auto& next = chunk_[i + 1];
      tokens_.push_back({.text = std::string(here.text).append(next.text),
                         .begin = here.begin,
                         .end = next.end,
                         .gram = true});
    }
    return i + 1;
  }

  /// All words of the chunk as one.
  Token joined() const {
    Token all{.text = {}, .begin = 0, .end = 0, .gram = false, .joined = true};
    for (std::size_t i = first_; i < tokens_.size(); ++i) {
      if (tokens_[i].gram) continue;
      if (all.end == 0) all.begin = tokens_[i].begin;
      all.end = tokens_[i].end;
      all.text += tokens_[i].text;
    }
    cut(all.text, kTokenBytesMax);
    return all;
  }

  std::span<const Cluster> chunk_;
  std::vector<Token>& tokens_;
  const std::size_t first_;  ///< token of this chunk
  std::size_t words_ = 0;
};

Token symbols(std::span<const Cluster> chunk) {
  Token token{.text = {}, .begin = chunk.front().begin, .end = chunk.back().end};
  for (const auto& cluster : chunk) token.text += cluster.text;
  cut(token.text, kTokenBytesMax);
  return token;
}

std::vector<std::span<const Cluster>> chunks_of(std::span<const Cluster> clusters) {
  std::vector<std::span<const Cluster>> chunks;
  const auto is_space = [](const Cluster& cluster) { return cluster.kind == Kind::kSpace; };
  for (auto at = clusters.begin(); at != clusters.end();) {
    at = std::find_if_not(at, clusters.end(), is_space);
    const auto end = std::find_if(at, clusters.end(), is_space);
    if (at != end) chunks.emplace_back(at, end);
    at = end;
  }
  return chunks;
}

}  // namespace

std::vector<Token> tokenize(std::string_view utf8) {
  ClusterReader reader(utf8);
  const auto clusters = reader.all();
  const auto chunks = chunks_of(clusters);
  std::vector<Token> tokens;
  for (const auto chunk : chunks) ChunkReader(chunk, tokens).read();
  if (tokens.empty()) {
    for (const auto chunk : chunks) tokens.push_back(symbols(chunk));
  }
  std::erase_if(tokens, [](const Token& token) { return token.text.empty(); });
  return tokens;
}

std::uint32_t prefix_end(std::string_view utf8, const Token& token, std::size_t characters) {
  ClusterReader reader(utf8);
  std::uint32_t at = token.begin;
  for (std::size_t seen = 0; seen < characters && at < token.end;) {
    const auto cluster = reader.at(at);
    const bool in_token = !token.joined || cluster.kind == Kind::kWord;
    if (in_token) seen += count_characters(cluster.text);
    at = cluster.end;
  }
  return at;
}

std::string whole_name(const std::vector<Token>& tokens) {
  std::string name;
  for (const auto& token : tokens) {
    if (token.joined) continue;
    if (!name.empty()) name += ' ';
    name += token.text;
    if (name.size() > kWholeBytesMax) break;
  }
  cut(name, kWholeBytesMax);
  return name;
}

char32_t next_character(std::string_view folded, std::size_t& at) noexcept {
  UChar32 c = 0;
  U8_NEXT_OR_FFFD(folded.data(), at, folded.size(), c);
  return static_cast<char32_t>(c);
}

bool is_gram(std::string_view folded) noexcept {
  if (is_ascii(folded, 0)) return false;
  std::size_t at = 0;
  return has_no_spaces_between_words(static_cast<UChar32>(next_character(folded, at)));
}

std::size_t count_characters(std::string_view folded) noexcept {
  return folded.size() - static_cast<std::size_t>(std::ranges::count_if(folded, is_continuation));
}

std::string_view first_characters(std::string_view folded, std::size_t count) noexcept {
  std::size_t end = 0;
  while (end < folded.size() && (count > 0 || is_continuation(folded[end]))) {
    if (!is_continuation(folded[end])) --count;
    ++end;
  }
  return folded.substr(0, end);
}

}  // namespace kadenza::services::search
