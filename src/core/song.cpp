// SPDX-License-Identifier: AGPL-3.0-or-later
#include "core/song.hpp"

#include <algorithm>
#include <array>

#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include "core/identity.hpp"

namespace kadenza::core {
namespace {

struct FormatNames {
  AudioFormat format;
  std::string_view name, content_type, extension;
};

constexpr std::array<FormatNames, 8> kFormats{{
    {AudioFormat::kMp3, "mp3", "audio/mpeg", "mp3"},
    {AudioFormat::kFlac, "flac", "audio/flac", "flac"},
    {AudioFormat::kVorbis, "vorbis", "audio/ogg", "ogg"},
    {AudioFormat::kOpus, "opus", "audio/ogg", "opus"},
    {AudioFormat::kAac, "aac", "audio/mp4", "m4a"},
    {AudioFormat::kAlac, "alac", "audio/mp4", "m4a"},
    {AudioFormat::kWav, "wav", "audio/wav", "wav"},
    {AudioFormat::kAiff, "aiff", "audio/aiff", "aiff"},
}};

const FormatNames& names_of(AudioFormat format) noexcept {
  return *std::ranges::find(kFormats, format, &FormatNames::format);
}

/// Codes that turn the direction in which following text is read, with which a name can pass for another.
bool turns_direction(UChar32 c) {
  return (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

bool is_control(UChar32 c) {
  const auto type = u_charType(c);
  return type == U_CONTROL_CHAR || type == U_LINE_SEPARATOR || type == U_PARAGRAPH_SEPARATOR;
}

/// Valid UTF-8 without control characters, trimmed, at most kTagTextBytesMax bytes. Joiners stay: Persian
/// words and emoji are written with them.
std::string clean_text(const std::string& raw) {
  auto text = icu::UnicodeString::fromUTF8(raw);
  icu::UnicodeString cleaned;
  for (int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1)) {
    const UChar32 c = text.char32At(i);
    if (!turns_direction(c)) cleaned.append(is_control(c) ? u' ' : c);
  }
  cleaned.trim();
  std::string utf8;
  cleaned.toUTF8String(utf8);
  if (utf8.size() > kTagTextBytesMax) {
    std::size_t end = kTagTextBytesMax;
    while (end > 0 && (static_cast<unsigned char>(utf8[end]) & 0xC0) == 0x80) --end;
    utf8.resize(end);
  }
  return utf8;
}

std::vector<std::string> clean_list(const std::vector<std::string>& raw) {
  std::vector<std::string> cleaned;
  for (const auto& item : raw) {
    if (cleaned.size() == kTagListMax) break;
    auto text = clean_text(item);
    if (!text.empty() && std::ranges::find(cleaned, text) == cleaned.end())
      cleaned.push_back(std::move(text));
  }
  return cleaned;
}

}  // namespace

std::string_view to_string(AudioFormat format) noexcept {
  return names_of(format).name;
}
std::string_view content_type(AudioFormat format) noexcept {
  return names_of(format).content_type;
}
std::string_view file_extension(AudioFormat format) noexcept {
  return names_of(format).extension;
}

std::optional<AudioFormat> parse_audio_format(std::string_view name) noexcept {
  const auto found = std::ranges::find(kFormats, name, &FormatNames::name);
  if (found == kFormats.end()) return std::nullopt;
  return found->format;
}

std::string_view Tags::listed_artist() const noexcept {
  if (!album_artist.empty()) return album_artist;
  return compilation && !album.empty() ? kVariousArtists : std::string_view(artist);
}

std::optional<AlbumId> Song::album_id() const {
  if (tags.album.empty()) return std::nullopt;
  return core::album_id(tags.listed_artist(), tags.album);
}

ArtistId Song::artist_id() const {
  return core::artist_id(tags.artist);
}
ArtistId Song::listed_artist_id() const {
  return core::artist_id(tags.listed_artist());
}

Result<Tags> checked_tags(Tags tags) {
  for (auto* text : {&tags.title, &tags.artist, &tags.album, &tags.album_artist, &tags.isrc,
                     &tags.musicbrainz_recording}) {
    *text = clean_text(*text);
  }
  tags.genres = clean_list(tags.genres);
  tags.composers = clean_list(tags.composers);

  // A name of only invisible characters normalises to nothing and would name no song.
  const bool no_title = normalise(tags.title).empty();
  const bool no_artist = normalise(tags.artist).empty();
  if (no_title && no_artist) return fail(Errc::kMissingTags, "title and artist are missing");
  if (no_title) return fail(Errc::kMissingTags, "title is missing");
  if (no_artist) return fail(Errc::kMissingTags, "artist is missing");
  if (normalise(tags.album).empty()) tags.album.clear();
  if (normalise(tags.album_artist).empty()) tags.album_artist.clear();
  return tags;
}

}  // namespace kadenza::core
