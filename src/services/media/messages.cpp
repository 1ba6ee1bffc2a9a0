// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/media/messages.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <concepts>
#include <utility>

namespace kadenza::services::media {
namespace {

using core::Errc;

/// The failures that a worker may report. Values travel between processes of one build only.
constexpr std::array kReportable{Errc::kUnsupportedMedia, Errc::kDamagedMedia, Errc::kTooLarge,
                                 Errc::kDeadlineExceeded, Errc::kUnavailable,  Errc::kInternal};
constexpr std::uint8_t kSuccess = 0;  // otherwise 1 + the place in kReportable

class Writer {
 public:
  template <std::unsigned_integral T>
  void number(T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i) bytes_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  }
  void real(double value) { number(std::bit_cast<std::uint64_t>(value)); }
  void flag(bool value) { number<std::uint8_t>(value ? 1 : 0); }
  void blob(std::span<const std::uint8_t> bytes) {
    number(static_cast<std::uint32_t>(bytes.size()));
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  void text(std::string_view text) {
    text = text.substr(0, kTextBytesMax);
    blob({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  }
  void texts(const std::vector<std::string>& texts) {
    const auto count = std::min(texts.size(), kListMax);
    number(static_cast<std::uint32_t>(count));
    for (std::size_t i = 0; i < count; ++i) text(texts[i]);
  }
  std::vector<std::uint8_t> take() { return std::move(bytes_); }

 private:
  std::vector<std::uint8_t> bytes_;
};

/// Reads what Writer wrote. Once something is malformed, every read gives an empty value and ok() is false.
class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> bytes) : rest_(bytes) {}

  template <std::unsigned_integral T>
  T number() {
    const auto raw = take(sizeof(T));
    T value = 0;
    for (std::size_t i = 0; i < raw.size(); ++i)
      value = static_cast<T>(value | static_cast<T>(raw[i]) << (8 * i));
    return value;
  }
  double real() {
    const auto value = std::bit_cast<double>(number<std::uint64_t>());
    if (!std::isfinite(value)) ok_ = false;
    return ok_ ? value : 0;
  }
  bool flag() { return number<std::uint8_t>() != 0; }
  std::span<const std::uint8_t> blob(std::size_t bytes_max) {
    const auto length = number<std::uint32_t>();
    if (length > bytes_max) ok_ = false;
    return take(ok_ ? length : 0);
  }
  std::string text() {
    const auto raw = blob(kTextBytesMax);
    return {reinterpret_cast<const char*>(raw.data()), raw.size()};
  }
  std::vector<std::string> texts() {
    const auto count = number<std::uint32_t>();
    if (count > kListMax) ok_ = false;
    std::vector<std::string> texts;
    for (std::uint32_t i = 0; ok_ && i < count; ++i) texts.push_back(text());
    return texts;
  }
  void refuse() { ok_ = false; }
  bool finished() const { return ok_ && rest_.empty(); }

 private:
  std::span<const std::uint8_t> take(std::size_t count) {
    if (!ok_ || count > rest_.size()) {
      ok_ = false;
      return {};
    }
    const auto taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }

  std::span<const std::uint8_t> rest_;
  bool ok_ = true;
};

std::unexpected<core::Error> malformed() {
  return core::fail(Errc::kDamagedMedia,
                    "the file made its parser answer nonsense; it is broken or malicious");
}

void write(Writer& out, const core::Tags& tags) {
  for (const auto* text : {&tags.title, &tags.artist, &tags.album, &tags.album_artist, &tags.isrc,
                           &tags.musicbrainz_recording}) {
    out.text(*text);
  }
  for (const auto value : {tags.track, tags.track_total, tags.disc, tags.disc_total, tags.year, tags.bpm})
    out.number(value);
  out.texts(tags.genres);
  out.texts(tags.composers);
  out.flag(tags.compilation);
}

core::Tags read_tags(Reader& in) {
  core::Tags tags;
  for (auto* text : {&tags.title, &tags.artist, &tags.album, &tags.album_artist, &tags.isrc,
                     &tags.musicbrainz_recording}) {
    *text = in.text();
  }
  for (auto* value : {&tags.track, &tags.track_total, &tags.disc, &tags.disc_total, &tags.year, &tags.bpm})
    *value = in.number<std::uint16_t>();
  tags.genres = in.texts();
  tags.composers = in.texts();
  tags.compilation = in.flag();
  return tags;
}

void write(Writer& out, const core::AudioProperties& properties) {
  out.number(static_cast<std::uint8_t>(properties.format));
  out.number(static_cast<std::uint64_t>(properties.duration.count()));
  out.number(properties.bit_rate);
  out.number(properties.sample_rate);
  out.number(properties.channels);
  out.number(properties.bits_per_sample);
}

core::AudioProperties read_properties(Reader& in) {
  core::AudioProperties properties;
  const auto format = in.number<std::uint8_t>();
  if (format < static_cast<std::uint8_t>(core::AudioFormat::kMp3) ||
      format > static_cast<std::uint8_t>(core::AudioFormat::kAiff)) {
    in.refuse();
  } else {
    properties.format = static_cast<core::AudioFormat>(format);
  }
  const auto duration = in.number<std::uint64_t>();
  // A year of music in one file is nonsense, and sums of durations must not overflow.
  if (duration > 366ull * 24 * 3600 * 1000) in.refuse();
  properties.duration = std::chrono::milliseconds(duration);
  properties.bit_rate = in.number<std::uint32_t>();
  properties.sample_rate = in.number<std::uint32_t>();
  properties.channels = in.number<std::uint8_t>();
  properties.bits_per_sample = in.number<std::uint8_t>();
  return properties;
}

void write(Writer& out, const core::Image& image) {
  out.text(image.content_type);
  out.blob(image.bytes);
}

core::Image read_image(Reader& in) {
  core::Image image;
  image.content_type = in.text();
  // It becomes an HTTP header: only what the worker has reason to say.
  constexpr std::array kTypes{"image/jpeg", "image/png", "image/gif", "image/bmp", "image/webp"};
  if (std::ranges::find(kTypes, image.content_type) == kTypes.end()) in.refuse();
  const auto bytes = in.blob(kPictureBytesMax);
  image.bytes.assign(bytes.begin(), bytes.end());
  return image;
}

/// Reads the outcome; calls `read_body` for a success.
template <class T, class F>
core::Result<T> decode(std::span<const std::uint8_t> body, F read_body) {
  Reader in(body);
  if (const auto outcome = in.number<std::uint8_t>(); outcome != kSuccess) {
    auto detail = in.text();
    if (!in.finished() || outcome > kReportable.size()) return malformed();
    return core::fail(kReportable[outcome - 1u], std::move(detail));
  }
  T value = read_body(in);
  if (!in.finished()) return malformed();
  return value;
}

}  // namespace

std::array<std::uint8_t, kReplyHeaderBytes> encode_header(std::size_t body_bytes) {
  std::array<std::uint8_t, kReplyHeaderBytes> header{};
  for (std::size_t i = 0; i < header.size(); ++i)
    header[i] = static_cast<std::uint8_t>(body_bytes >> (8 * i));
  return header;
}

core::Result<std::size_t> decode_header(std::span<const std::uint8_t, kReplyHeaderBytes> header) {
  const auto length = Reader(header).number<std::uint32_t>();
  if (length > kReplyBytesMax) return malformed();
  return length;
}

std::vector<std::uint8_t> encode_failure(const core::Error& error) {
  Writer out;
  const auto* const known = std::ranges::find(kReportable, error.code);
  const auto place = known == kReportable.end() ? kReportable.size() - 1
                                                : static_cast<std::size_t>(known - kReportable.begin());
  out.number(static_cast<std::uint8_t>(place + 1));
  out.text(error.detail);
  return out.take();
}

std::vector<std::uint8_t> encode_reply(const Probe& probe) {
  Writer out;
  out.number(kSuccess);
  write(out, probe.tags);
  write(out, probe.properties);
  out.flag(probe.cover.has_value());
  if (probe.cover) write(out, *probe.cover);
  return out.take();
}

std::vector<std::uint8_t> encode_reply(const core::DerivedFacts& facts) {
  Writer out;
  out.number(kSuccess);
  out.flag(facts.loudness.has_value());
  if (facts.loudness) {
    out.real(facts.loudness->integrated_lufs);
    out.real(facts.loudness->true_peak);
    out.real(facts.loudness->range_lu);
  }
  out.blob(facts.waveform);
  out.flag(facts.damaged.has_value());
  if (facts.damaged) out.text(*facts.damaged);
  return out.take();
}

std::vector<std::uint8_t> encode_reply(const core::Image& image) {
  Writer out;
  out.number(kSuccess);
  write(out, image);
  return out.take();
}

core::Result<Probe> decode_probe(std::span<const std::uint8_t> body) {
  return decode<Probe>(body, [](Reader& in) {
    Probe probe;
    probe.tags = read_tags(in);
    probe.properties = read_properties(in);
    if (in.flag()) probe.cover = read_image(in);
    return probe;
  });
}

core::Result<core::DerivedFacts> decode_facts(std::span<const std::uint8_t> body) {
  return decode<core::DerivedFacts>(body, [](Reader& in) {
    core::DerivedFacts facts;
    if (in.flag()) {
      core::Loudness loudness;
      loudness.integrated_lufs = in.real();
      loudness.true_peak = in.real();
      loudness.range_lu = in.real();
      facts.loudness = loudness;
    }
    const auto waveform = in.blob(core::kWaveformPoints);
    if (!waveform.empty() && waveform.size() != core::kWaveformPoints) in.refuse();
    facts.waveform.assign(waveform.begin(), waveform.end());
    if (in.flag()) facts.damaged = in.text();
    return facts;
  });
}

core::Result<core::Image> decode_image(std::span<const std::uint8_t> body) {
  return decode<core::Image>(body, [](Reader& in) { return read_image(in); });
}

}  // namespace kadenza::services::media
