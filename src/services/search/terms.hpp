// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <xapian.h>

#include "services/catalogue/catalogue.hpp"
#include "services/search/scoring.hpp"
#include "services/search/vocabulary.hpp"

namespace kadenza::services::search {

/// How rows become documents of the index: docs/formats/search-index.md.
enum class RowKind : std::uint8_t { kSong = 0, kAlbum = 1, kArtist = 2 };
constexpr std::size_t fields_of(RowKind kind) {
  return 3 - static_cast<std::size_t>(kind);
}
/// The bit of a posting list in Expansion::Word::lists.
constexpr std::uint8_t list_bit(RowKind kind, std::size_t field) {
  constexpr unsigned kFirst[] = {0, 3, 5};
  return static_cast<std::uint8_t>(1U << (kFirst[static_cast<std::size_t>(kind)] + field));
}

std::string word_term(RowKind kind, std::size_t field, std::string_view word);
std::string beginning_term(RowKind kind, std::size_t field, std::string_view beginning);
std::string whole_term(RowKind kind, std::string_view whole);

/// Newer rows have smaller document ids, so that they are met first; each kind has its own range.
Xapian::docid document_id(RowKind kind, catalogue::Position position);
catalogue::Position position_of(RowKind kind, Xapian::docid document);
/// The first id of a kind, and the one behind its last.
Xapian::docid first_document(RowKind kind);

/// The document of a row; its words are added to `words`.
Xapian::Document document(RowKind kind, const SearchedRow& row, Vocabulary::NewWords& words);

/// All words of an index.
WordList read_vocabulary(const Xapian::Database& database);

}  // namespace kadenza::services::search
