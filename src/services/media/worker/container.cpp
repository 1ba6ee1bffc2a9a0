// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/media/worker/container.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

namespace kadenza::services::media {
namespace {

constexpr std::uint64_t kSearchBytes = 256 * 1024;  ///< how far the first MPEG frame may lie behind the tags
constexpr int kFramesNeeded = 3;                    ///< fewer only when the file ends with them

std::string_view text_at(FileSource& source, std::uint64_t offset, std::span<std::uint8_t> buffer) {
  return {reinterpret_cast<const char*>(buffer.data()), source.read(offset, buffer)};
}

/// Where the content starts behind any ID3v2 tags (ID3v2.4, section 3.1).
std::uint64_t skip_id3(FileSource& source) {
  std::uint64_t offset = 0;
  std::array<std::uint8_t, 10> head{};
  while (source.read(offset, head) == head.size() && head[0] == 'I' && head[1] == 'D' && head[2] == '3') {
    const auto size =
        (head[6] & 0x7Fu) << 21 | (head[7] & 0x7Fu) << 14 | (head[8] & 0x7Fu) << 7 | (head[9] & 0x7Fu);
    const bool has_footer = (head[5] & 0x10) != 0;
    offset += head.size() + size + (has_footer ? head.size() : 0);
  }
  return offset;
}

bool same_stream(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) {
  return a[1] == b[1] && (a[2] & 0x0C) == (b[2] & 0x0C);  // version, layer, sample rate
}

bool has_frames_at(std::span<const std::uint8_t> bytes, std::size_t at) {
  const auto first = bytes.subspan(at);
  for (int frames = 0; frames < kFramesNeeded; ++frames) {
    if (at + 4 > bytes.size()) return frames > 0;
    const auto header = bytes.subspan(at).first<4>();
    const auto length = mpeg_frame_bytes(header);
    if (length == 0 || !same_stream(first, header)) return false;
    at += length;
  }
  return true;
}

bool has_mpeg_frames(FileSource& source, std::uint64_t offset) {
  if (offset >= source.size()) return false;
  std::vector<std::uint8_t> bytes(std::min(kSearchBytes, source.size() - offset));
  bytes.resize(source.read(offset, bytes));
  for (std::size_t at = 0; at + 4 <= bytes.size(); ++at) {
    if (bytes[at] == 0xFF && has_frames_at(bytes, at)) return true;
  }
  return false;
}

}  // namespace

std::size_t mpeg_frame_bytes(std::span<const std::uint8_t, 4> header) noexcept {
  // ISO/IEC 11172-3, 2.4.2.3, and 13818-3; kbit/s of layer III.
  constexpr std::array<std::uint16_t, 15> kRates1{0,   32,  40,  48,  56,  64,  80, 96,
                                                  112, 128, 160, 192, 224, 256, 320};
  constexpr std::array<std::uint16_t, 15> kRates2{0,  8,  16, 24,  32,  40,  48, 56,
                                                  64, 80, 96, 112, 128, 144, 160};
  constexpr std::array<std::uint32_t, 3> kSampleRates{44'100, 48'000, 32'000};
  const unsigned version = header[1] >> 3 & 3;  // 0: MPEG 2.5, 2: MPEG 2, 3: MPEG 1
  const unsigned layer = header[1] >> 1 & 3;    // 1: layer III
  const unsigned rate = header[2] >> 4;
  const unsigned frequency = header[2] >> 2 & 3;
  if (header[0] != 0xFF || (header[1] & 0xE0) != 0xE0 || version == 1 || layer != 1 || rate == 0 ||
      rate == 15 || frequency == 3) {
    return 0;
  }
  const bool first_version = version == 3;
  const auto bits = (first_version ? kRates1 : kRates2)[rate] * 1000u;
  const auto samples_per_second = kSampleRates[frequency] >> (first_version ? 0 : version == 2 ? 1 : 2);
  const unsigned padding = header[2] >> 1 & 1;
  return (first_version ? 144u : 72u) * bits / samples_per_second + padding;
}

core::Result<Container> recognise(FileSource& source) {
  if (source.size() == 0) return core::fail(core::Errc::kUnsupportedMedia, "the file is empty");
  const auto content = skip_id3(source);
  std::array<std::uint8_t, 12> buffer{};
  const auto head = text_at(source, content, buffer);
  const auto kind = head.size() == buffer.size() ? head.substr(8) : std::string_view{};
  if (head.starts_with("fLaC")) return Container::kFlac;
  if (head.starts_with("OggS")) return Container::kOgg;
  if ((head.starts_with("RIFF") || head.starts_with("RF64")) && kind == "WAVE") return Container::kWav;
  if (head.starts_with("FORM") && (kind == "AIFF" || kind == "AIFC")) return Container::kAiff;
  if (head.size() >= 8 && head.substr(4, 4) == "ftyp") return Container::kMp4;
  if (has_mpeg_frames(source, content)) return Container::kMpeg;
  return core::fail(
      core::Errc::kUnsupportedMedia,
      "the file is none of the audio formats that Kadenza knows: MP3, FLAC, Ogg Vorbis, Opus, M4A "
      "(AAC or ALAC), WAV, AIFF");
}

bool promises_more(FileSource& source, Container container) {
  std::array<std::uint8_t, 16> head{};
  const auto number = [&head](std::size_t at, std::size_t bytes, bool big_endian) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes; ++i) value = value << 8 | head[at + (big_endian ? i : bytes - 1 - i)];
    return value;
  };
  if (container == Container::kWav || container == Container::kAiff) {
    if (source.read(0, head) < head.size()) return true;
    const auto length = number(4, 4, container == Container::kAiff);
    constexpr std::uint64_t kUnknown = 0xFFFFFFFF;  // written by recorders that cannot go back
    return length != kUnknown && length + 8 > source.size() + (length & 1);
  }
  if (container != Container::kMp4) return false;
  for (std::uint64_t offset = 0; source.read(offset, head) >= 8;) {
    auto length = number(0, 4, true);
    if (length == 1) length = number(8, 8, true);
    if (length == 0) return false;  // up to the end of the file
    if (length < 8 || length > source.size() - offset) return true;
    offset += length;
  }
  return false;
}

const char* demuxer_name(Container container) noexcept {
  switch (container) {
    case Container::kMpeg:
      return "mp3";
    case Container::kFlac:
      return "flac";
    case Container::kOgg:
      return "ogg";
    case Container::kMp4:
      return "mov";
    case Container::kWav:
      return "wav";
    case Container::kAiff:
      return "aiff";
  }
  return "";
}

}  // namespace kadenza::services::media
