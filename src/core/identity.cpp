// SPDX-License-Identifier: AGPL-3.0-or-later
#include "core/identity.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/utf8.h>

#include "core/check.hpp"
#include "core/sha256.hpp"

namespace kadenza::core {
namespace {

const icu::Normalizer2& nfkc_casefold() {
  UErrorCode status = U_ZERO_ERROR;
  const auto* normalizer = icu::Normalizer2::getNFKCCasefoldInstance(status);
  KADENZA_CHECK(U_SUCCESS(status));
  return *normalizer;
}

std::string collapse_white_space(const icu::UnicodeString& text) {
  icu::UnicodeString collapsed;
  bool pending_space = false;
  for (int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1)) {
    const UChar32 c = text.char32At(i);
    if (u_isUWhiteSpace(c)) {
      pending_space = !collapsed.isEmpty();
      continue;
    }
    if (pending_space) collapsed.append(u' ');
    pending_space = false;
    collapsed.append(c);
  }
  std::string utf8;
  return collapsed.toUTF8String(utf8);
}

/// SHA-256 over the parts, each preceded by its length.
Digest hash_parts(std::initializer_list<std::string_view> parts) {
  static thread_local Sha256 hash;
  for (const auto part : parts) {
    const auto length = static_cast<std::uint32_t>(part.size());
    const std::array<std::uint8_t, 4> prefix{
        static_cast<std::uint8_t>(length >> 24), static_cast<std::uint8_t>(length >> 16),
        static_cast<std::uint8_t>(length >> 8), static_cast<std::uint8_t>(length)};
    hash.update(prefix).update(part);
  }
  return hash.finish();
}

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// What normalise() is for ASCII, without ICU's round trip through UTF-16: lists name thousands of albums.
std::string normalise_ascii(std::string_view text) {
  std::string lower;
  lower.reserve(text.size());
  bool pending_space = false;
  for (const char c : text) {
    if (c == ' ' || (c >= '\t' && c <= '\r')) {
      pending_space = !lower.empty();
      continue;
    }
    if (pending_space) lower += ' ';
    pending_space = false;
    lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  }
  return lower;
}

}  // namespace

std::string normalise(std::string_view utf8) {
  if (is_ascii(utf8)) return normalise_ascii(utf8);
  UErrorCode status = U_ZERO_ERROR;
  const auto text =
      icu::UnicodeString::fromUTF8(icu::StringPiece(utf8.data(), static_cast<int32_t>(utf8.size())));
  const auto folded = nfkc_casefold().normalize(text, status);
  KADENZA_CHECK(U_SUCCESS(status));
  return collapse_white_space(folded);
}

SongId song_id(std::string_view title, std::string_view artist, std::string_view album) {
  return SongId{hash_parts({normalise(title), normalise(artist), normalise(album)}).bytes};
}

ArtistId artist_id(std::string_view name) {
  return ArtistId{hash_parts({normalise(name)}).bytes};
}

AlbumId album_id(std::string_view album_artist, std::string_view album) {
  static const std::string various_artists = normalise(kVariousArtists);
  const auto artist = normalise(album_artist);
  AlbumId id{hash_parts({artist, normalise(album)}).bytes};
  if (artist != various_artists) id.bytes[0] = shard_of(ArtistId{hash_parts({artist}).bytes});
  return id;
}

}  // namespace kadenza::core
