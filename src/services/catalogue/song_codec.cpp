// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/catalogue/song_codec.hpp"

#include <bit>
#include <string_view>
#include <utility>

namespace kadenza::services::catalogue {
namespace {

constexpr std::uint8_t kSongVersion = 1;
constexpr std::uint8_t kFactsVersion = 1;

/// Appends varints (LEB128), raw bytes and length-prefixed texts.
class Writer {
 public:
  void number(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_.push_back(static_cast<std::uint8_t>(value | 0x80));
    bytes_.push_back(static_cast<std::uint8_t>(value));
  }
  void raw(std::span<const std::uint8_t> value) { bytes_.insert(bytes_.end(), value.begin(), value.end()); }
  void text(std::string_view value) {
    number(value.size());
    bytes_.insert(bytes_.end(), value.begin(), value.end());
  }
  void texts(const std::vector<std::string>& values) {
    number(values.size());
    for (const auto& value : values) text(value);
  }
  void real(double value) {
    const auto bits = std::bit_cast<std::uint64_t>(value);
    for (int shift = 0; shift < 64; shift += 8) bytes_.push_back(static_cast<std::uint8_t>(bits >> shift));
  }
  std::vector<std::uint8_t> take() { return std::move(bytes_); }

 private:
  std::vector<std::uint8_t> bytes_;
};

/// Reads what Writer wrote. After the first fault everything reads as zero and ok() is false.
class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> bytes) : rest_(bytes) {}

  template <class T>
  void number(T& value) {
    std::uint64_t wide = 0;
    for (unsigned shift = 0;; shift += 7) {
      const auto piece = raw(1);
      if (piece.empty() || shift > 63) return fail();
      wide |= std::uint64_t{piece[0] & 0x7fU} << shift;
      if ((piece[0] & 0x80U) == 0) break;
    }
    value = static_cast<T>(wide);
    if (static_cast<std::uint64_t>(value) != wide) fail();
  }
  std::span<const std::uint8_t> raw(std::size_t count) {
    if (count > rest_.size()) {
      fail();
      return {};
    }
    const auto taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }
  void text(std::string& value) {
    std::size_t length = 0;
    number(length);
    const auto bytes = raw(length);
    value.assign(bytes.begin(), bytes.end());
  }
  void texts(std::vector<std::string>& values) {
    std::size_t count = 0;
    number(count);
    if (count > rest_.size()) return fail();
    values.resize(count);
    for (auto& value : values) text(value);
  }
  template <class Id>
  void id(Id& value) {
    if (const auto found = Id::from_bytes(raw(Id::kBytes))) value = *found;
  }
  void real(double& value) {
    std::uint64_t bits = 0;
    int shift = 0;
    for (const auto byte : raw(8)) bits |= std::uint64_t{byte} << std::exchange(shift, shift + 8);
    value = std::bit_cast<double>(bits);
  }
  void fail() {
    ok_ = false;
    rest_ = {};
  }
  bool complete() const { return ok_ && rest_.empty(); }

 private:
  std::span<const std::uint8_t> rest_;
  bool ok_ = true;
};

void write_tags(Writer& out, const core::Tags& tags) {
  for (const auto* text : {&tags.title, &tags.artist, &tags.album, &tags.album_artist}) out.text(*text);
  for (const auto value : {tags.track, tags.track_total, tags.disc, tags.disc_total, tags.year, tags.bpm})
    out.number(value);
  out.texts(tags.genres);
  out.texts(tags.composers);
  out.text(tags.isrc);
  out.text(tags.musicbrainz_recording);
  out.number(tags.compilation ? 1 : 0);
}

void read_tags(Reader& in, core::Tags& tags) {
  for (auto* text : {&tags.title, &tags.artist, &tags.album, &tags.album_artist}) in.text(*text);
  for (auto* value : {&tags.track, &tags.track_total, &tags.disc, &tags.disc_total, &tags.year, &tags.bpm})
    in.number(*value);
  in.texts(tags.genres);
  in.texts(tags.composers);
  in.text(tags.isrc);
  in.text(tags.musicbrainz_recording);
  std::uint8_t compilation = 0;
  in.number(compilation);
  tags.compilation = compilation != 0;
}

void read_properties(Reader& in, core::AudioProperties& properties) {
  std::uint8_t format = 0;
  in.number(format);
  if (format < static_cast<std::uint8_t>(core::AudioFormat::kMp3) ||
      format > static_cast<std::uint8_t>(core::AudioFormat::kAiff)) {
    return in.fail();
  }
  properties.format = static_cast<core::AudioFormat>(format);
  std::int64_t duration_ms = 0;
  in.number(duration_ms);
  properties.duration = std::chrono::milliseconds(duration_ms);
  in.number(properties.bit_rate);
  in.number(properties.sample_rate);
  in.number(properties.channels);
  in.number(properties.bits_per_sample);
}

}  // namespace

std::vector<std::uint8_t> encode_song(const core::Song& song) {
  Writer out;
  out.number(kSongVersion);
  out.raw(song.id.bytes);
  write_tags(out, song.tags);
  out.number(static_cast<std::uint8_t>(song.properties.format));
  out.number(static_cast<std::uint64_t>(song.properties.duration.count()));
  out.number(song.properties.bit_rate);
  out.number(song.properties.sample_rate);
  out.number(song.properties.channels);
  out.number(song.properties.bits_per_sample);
  out.number(song.size);
  out.raw(song.audio.bytes);
  out.number(song.cover ? 1 : 0);
  if (song.cover) out.raw(song.cover->bytes);
  out.number(static_cast<std::uint64_t>(song.first_stored.time_since_epoch().count()));
  return out.take();
}

std::optional<core::Song> decode_song(std::span<const std::uint8_t> bytes) {
  Reader in(bytes);
  std::uint8_t version = 0;
  in.number(version);
  if (version != kSongVersion) return std::nullopt;
  core::Song song;
  in.id(song.id);
  read_tags(in, song.tags);
  read_properties(in, song.properties);
  in.number(song.size);
  in.id(song.audio);
  std::uint8_t has_cover = 0;
  in.number(has_cover);
  if (has_cover != 0) in.id(song.cover.emplace());
  std::int64_t first_stored_ms = 0;
  in.number(first_stored_ms);
  song.first_stored = core::WallTime(std::chrono::milliseconds(first_stored_ms));
  if (!in.complete()) return std::nullopt;
  return song;
}

std::vector<std::uint8_t> encode_facts(const core::DerivedFacts& facts) {
  Writer out;
  out.number(kFactsVersion);
  out.number(facts.loudness ? 1 : 0);
  if (facts.loudness) {
    out.real(facts.loudness->integrated_lufs);
    out.real(facts.loudness->true_peak);
    out.real(facts.loudness->range_lu);
  }
  out.number(facts.waveform.size());
  out.raw(facts.waveform);
  out.number(facts.damaged ? 1 : 0);
  if (facts.damaged) out.text(*facts.damaged);
  return out.take();
}

std::optional<core::DerivedFacts> decode_facts(std::span<const std::uint8_t> bytes) {
  Reader in(bytes);
  std::uint8_t version = 0;
  in.number(version);
  if (version != kFactsVersion) return std::nullopt;
  core::DerivedFacts facts;
  std::uint8_t given = 0;
  in.number(given);
  if (given != 0) {
    auto& loudness = facts.loudness.emplace();
    in.real(loudness.integrated_lufs);
    in.real(loudness.true_peak);
    in.real(loudness.range_lu);
  }
  std::size_t points = 0;
  in.number(points);
  const auto waveform = in.raw(points);
  facts.waveform.assign(waveform.begin(), waveform.end());
  in.number(given);
  if (given != 0) in.text(facts.damaged.emplace());
  if (!in.complete()) return std::nullopt;
  return facts;
}

std::vector<std::uint8_t> encode_texts(const std::vector<std::string>& texts) {
  Writer out;
  out.texts(texts);
  return out.take();
}

std::optional<std::vector<std::string>> decode_texts(std::span<const std::uint8_t> bytes) {
  Reader in(bytes);
  std::vector<std::string> texts;
  in.texts(texts);
  if (!in.complete()) return std::nullopt;
  return texts;
}

}  // namespace kadenza::services::catalogue
