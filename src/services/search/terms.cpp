// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/search/terms.hpp"

#include <algorithm>
#include <set>
#include <vector>

#include <fmt/format.h>

namespace kadenza::services::search {
namespace {

using catalogue::Position;

constexpr Xapian::docid kRange = Xapian::docid{1} << 30;

char letter(RowKind kind) {
  return "SBR"[static_cast<std::size_t>(kind)];
}

/// One posting list's words in ascending order.
struct ListReader {
  Xapian::TermIterator at, end;
  std::size_t prefix_bytes;
  std::uint8_t bit;
  std::string term;

  bool done() const { return at == end; }
  std::string_view word() const { return std::string_view(term).substr(prefix_bytes); }
  void advance() {
    ++at;
    read();
  }
  void read() {
    if (!done()) term = *at;
  }
};

std::vector<ListReader> list_readers(const Xapian::Database& database) {
  std::vector<ListReader> readers;
  for (const auto kind : {RowKind::kSong, RowKind::kAlbum, RowKind::kArtist}) {
    for (std::size_t field = 0; field < fields_of(kind); ++field) {
      const auto prefix = word_term(kind, field, "");
      readers.push_back({database.allterms_begin(prefix),
                         database.allterms_end(prefix),
                         prefix.size(),
                         list_bit(kind, field),
                         {}});
      readers.back().read();
    }
  }
  std::erase_if(readers, [](const ListReader& reader) { return reader.done(); });
  return readers;
}

}  // namespace

std::string word_term(RowKind kind, std::size_t field, std::string_view word) {
  return fmt::format("{}{}w{}", letter(kind), field, word);
}

std::string beginning_term(RowKind kind, std::size_t field, std::string_view beginning) {
  return fmt::format("{}{}p{}", letter(kind), field, beginning);
}

std::string whole_term(RowKind kind, std::string_view whole) {
  return fmt::format("{}={}", letter(kind), whole);
}

// Songs and albums have positions of 30 bits, artists of 31.
Xapian::docid document_id(RowKind kind, Position position) {
  return kind == RowKind::kArtist ? UINT32_MAX - position : first_document(kind) + kRange - 1 - position;
}

Position position_of(RowKind kind, Xapian::docid document) {
  return kind == RowKind::kArtist ? UINT32_MAX - document : first_document(kind) + kRange - 1 - document;
}

Xapian::docid first_document(RowKind kind) {
  return kRange * static_cast<Xapian::docid>(kind);
}

Xapian::Document document(RowKind kind, const SearchedRow& row, Vocabulary::NewWords& words) {
  Xapian::Document document;
  document.add_boolean_term(whole_term(kind, whole_name(row.fields.front().tokens)));
  for (std::size_t field = 0; field < row.fields.size(); ++field) {
    const auto add = [&](const Token& token) {
      document.add_boolean_term(word_term(kind, field, token.text));
      if (token.gram) return;
      words[token.text] |= list_bit(kind, field);
      const auto characters = std::min(count_characters(token.text), kIndexedBeginning);
      for (std::size_t count = 1; count <= characters; ++count)
        document.add_boolean_term(beginning_term(kind, field, first_characters(token.text, count)));
    };
    std::ranges::for_each(row.fields[field].tokens, add);
    std::ranges::for_each(row.fields[field].unshown, add);
  }
  return document;
}

WordList read_vocabulary(const Xapian::Database& database) {
  WordList words;
  auto readers = list_readers(database);
  std::string word;
  while (!readers.empty()) {
    word = std::ranges::min(readers, {}, &ListReader::word).word();
    std::uint8_t lists = 0;
    for (auto& reader : readers) {
      if (reader.word() != word) continue;
      lists = static_cast<std::uint8_t>(lists | reader.bit);
      reader.advance();
    }
    std::erase_if(readers, [](const ListReader& reader) { return reader.done(); });
    if (!is_gram(word)) words.append(word, lists);
  }
  words.shrink_to_fit();
  return words;
}

}  // namespace kadenza::services::search
