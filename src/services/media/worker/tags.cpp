// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/media/worker/tags.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <string_view>

#include <taglib/aifffile.h>
#include <taglib/flacfile.h>
#include <taglib/id3v1genres.h>
#include <taglib/id3v2framefactory.h>
#include <taglib/mp4file.h>
#include <taglib/mpegfile.h>
#include <taglib/opusfile.h>
#include <taglib/tpropertymap.h>
#include <taglib/vorbisfile.h>
#include <taglib/wavfile.h>

#include "services/media/messages.hpp"
#include "services/media/worker/cover.hpp"
#include "services/media/worker/tag_stream.hpp"

namespace kadenza::services::media {
namespace {

using core::AudioFormat;

std::string utf8(const TagLib::String& text) {
  return text.to8Bit(true);
}

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

/// The number at the start of a text; 0 when there is none or it is out of range.
std::uint16_t leading_number(std::string_view text) {
  text = trimmed(text);
  std::uint16_t value = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc{}) return 0;
  return value;
}

/// Calls `add` for each part of a text that holds several values.
template <class F>
void for_each_part(std::string_view text, F add) {
  constexpr std::array<std::string_view, 3> kSeparators{";", "|", " / "};
  while (!text.empty()) {
    auto end = text.size(), next = text.size();
    if (const auto nul = text.find('\0'); nul != std::string_view::npos) end = nul, next = nul + 1;
    for (const auto separator : kSeparators) {
      if (const auto at = text.find(separator); at < end) end = at, next = at + separator.size();
    }
    if (const auto part = trimmed(text.substr(0, end)); !part.empty()) add(part);
    text = text.substr(next);
  }
}

/// ID3v1's numbers, also in the forms "17", "(17)" and "(17)Rock" of ID3v2.
std::string genre_name(std::string_view genre) {
  auto number = genre;
  if (number.starts_with('(')) {
    const auto close = number.find(')');
    if (close == std::string_view::npos) return std::string(genre);
    if (close + 1 < number.size()) return genre_name(trimmed(number.substr(close + 1)));
    number = number.substr(1, close - 1);
  }
  const bool numeric = !number.empty() && number.size() <= 3 &&
                       std::ranges::all_of(number, [](char c) { return c >= '0' && c <= '9'; });
  if (!numeric) return std::string(genre);
  const auto name = TagLib::ID3v1::genre(leading_number(number));
  return name.isEmpty() ? std::string(genre) : utf8(name);
}

class Properties {
 public:
  explicit Properties(const TagLib::PropertyMap& map) : map_(map) {}

  /// All values of the first of `keys` that has any.
  TagLib::StringList values(std::initializer_list<const char*> keys) const {
    for (const auto* key : keys) {
      const auto found = map_.find(key);
      if (found != map_.end() && !found->second.isEmpty()) return found->second;
    }
    return {};
  }

  std::string text(std::initializer_list<const char*> keys) const {
    std::string joined;
    for (const auto& value : values(keys)) {
      if (!joined.empty()) joined += "; ";
      joined += utf8(value);
      if (joined.size() > kTextBytesMax) break;
    }
    return joined;
  }

  std::uint16_t number(std::initializer_list<const char*> keys) const { return leading_number(text(keys)); }

  /// "3" or "3/12".
  void number_of(std::initializer_list<const char*> keys, std::initializer_list<const char*> total_keys,
                 std::uint16_t& number, std::uint16_t& total) const {
    const auto both = text(keys);
    number = leading_number(both);
    if (const auto slash = both.find('/'); slash != std::string::npos)
      total = leading_number(std::string_view(both).substr(slash + 1));
    if (total == 0) total = leading_number(text(total_keys));
  }

  std::vector<std::string> list(const char* key) const {
    std::vector<std::string> parts;
    for (const auto& value : values({key})) {
      for_each_part(utf8(value), [&](std::string_view part) {
        if (parts.size() < kListMax) parts.emplace_back(part);
      });
      if (parts.size() == kListMax) break;
    }
    return parts;
  }

 private:
  const TagLib::PropertyMap& map_;
};

core::Tags to_tags(const TagLib::PropertyMap& map) {
  const Properties properties(map);
  core::Tags tags;
  tags.title = properties.text({"TITLE"});
  tags.artist = properties.text({"ARTIST"});
  tags.album = properties.text({"ALBUM"});
  tags.album_artist = properties.text({"ALBUMARTIST", "ALBUM ARTIST"});
  properties.number_of({"TRACKNUMBER", "TRACK"}, {"TRACKTOTAL", "TOTALTRACKS"}, tags.track, tags.track_total);
  properties.number_of({"DISCNUMBER", "DISC"}, {"DISCTOTAL", "TOTALDISCS"}, tags.disc, tags.disc_total);
  tags.year = properties.number({"DATE", "YEAR", "ORIGINALDATE"});
  for (const auto& genre : properties.list("GENRE")) tags.genres.push_back(genre_name(genre));
  tags.composers = properties.list("COMPOSER");
  tags.bpm = properties.number({"BPM", "TEMPO"});
  tags.isrc = properties.text({"ISRC"});
  tags.musicbrainz_recording = properties.text({"MUSICBRAINZ_TRACKID"});
  tags.compilation = properties.number({"COMPILATION"}) == 1;
  return tags;
}

template <class File>
TagsAndCover read_with(File&& file) {
  TagsAndCover read;
  if (!file.isValid()) return read;
  read.tags = to_tags(file.properties());
  read.cover = read_cover(file);
  return read;
}

}  // namespace

TagsAndCover read_tags(FileSource& source, AudioFormat format) {
  TagStream stream(source);
  auto* const frames = TagLib::ID3v2::FrameFactory::instance();
  switch (format) {
    case AudioFormat::kMp3:
      return read_with(TagLib::MPEG::File(&stream, frames, false));
    case AudioFormat::kFlac:
      return read_with(TagLib::FLAC::File(&stream, frames, false));
    case AudioFormat::kVorbis:
      return read_with(TagLib::Ogg::Vorbis::File(&stream, false));
    case AudioFormat::kOpus:
      return read_with(TagLib::Ogg::Opus::File(&stream, false));
    case AudioFormat::kAac:
    case AudioFormat::kAlac:
      return read_with(TagLib::MP4::File(&stream, false));
    case AudioFormat::kWav:
      return read_with(TagLib::RIFF::WAV::File(&stream, false));
    case AudioFormat::kAiff:
      return read_with(TagLib::RIFF::AIFF::File(&stream, false));
  }
  return {};
}

}  // namespace kadenza::services::media
