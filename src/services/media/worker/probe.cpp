// SPDX-License-Identifier: AGPL-3.0-or-later
#include <deque>
#include <new>

#include <fmt/format.h>

#include "services/media/worker/decoder.hpp"
#include "services/media/worker/jobs.hpp"
#include "services/media/worker/tags.hpp"

namespace kadenza::services::media {
namespace {

/// Decoded at either end of a file.
constexpr double kEndSeconds = 5;
/// The last packets are kept until the end is reached, up to this much.
constexpr std::size_t kKeptBytesMax = 32u << 20;

/// The last seconds of a stream, as packets.
class Tail {
 public:
  void push(const AVPacket& packet, double seconds) {
    Packet kept(av_packet_clone(&packet));
    if (!kept) throw std::bad_alloc();
    bytes_ += static_cast<std::size_t>(packet.size);
    packets_.push_back({std::move(kept), seconds});
    while (packets_.size() > 1 &&
           (seconds - packets_.front().seconds > kEndSeconds || bytes_ > kKeptBytesMax)) {
      bytes_ -= static_cast<std::size_t>(packets_.front().packet->size);
      packets_.pop_front();
      is_whole_ = false;
    }
  }

  /// No packet was dropped since the first push.
  bool is_whole() const noexcept { return is_whole_; }

  template <class F>
  void for_each(F visit) const {
    for (const auto& kept : packets_) visit(*kept.packet);
  }

 private:
  struct Kept {
    Packet packet;
    double seconds;
  };
  std::deque<Kept> packets_;
  std::size_t bytes_ = 0;
  bool is_whole_ = true;
};

/// Demuxes the whole file; decodes its first and last seconds.
core::Result<void> decode_ends(AudioFile& file, Decoder& decoder) {
  const Packet packet(av_packet_alloc());
  if (!packet) throw std::bad_alloc();
  const auto ignore = [](const AVFrame&) {};
  Tail tail;
  for (;;) {
    const bool at_start = file.seconds_read() < kEndSeconds;
    KADENZA_TRY(const bool more, file.next(*packet));
    if (!more) break;
    if (at_start) {
      decoder.decode(packet.get(), ignore);
    } else {
      tail.push(*packet, file.seconds_read());
    }
  }
  if (!tail.is_whole()) decoder.restart();
  tail.for_each([&](const AVPacket& kept) { decoder.decode(&kept, ignore); });
  decoder.decode(nullptr, ignore);
  return {};
}

std::string metadata_text(const AVDictionary* metadata, const char* key) {
  const auto* const entry = av_dict_get(metadata, key, nullptr, 0);
  return entry == nullptr ? std::string() : std::string(entry->value);
}

/// AIFF's own NAME and AUTH chunks, which TagLib does not read.
void complete_tags(core::Tags& tags, const AVDictionary* metadata) {
  if (tags.title.empty()) tags.title = metadata_text(metadata, "title");
  if (tags.artist.empty()) tags.artist = metadata_text(metadata, "author");
}

}  // namespace

core::Result<Probe> probe(FileSource& source) {
  KADENZA_TRY(const auto container, recognise(source));
  KADENZA_TRY(const auto file, AudioFile::open(source, container));
  KADENZA_TRY(auto decoder, Decoder::open(*file));
  KADENZA_TRY_VOID(decode_ends(*file, decoder));
  KADENZA_TRY_VOID(file->check_complete());
  if (decoder.is_damaged()) {
    return core::fail(
        core::Errc::kDamagedMedia,
        fmt::format("the audio in the file is damaged: {} of {} pieces at its start and end cannot "
                    "be decoded",
                    decoder.failures(), decoder.packets()));
  }
  Probe probed;
  probed.properties = file->properties(decoder.context());
  auto read = read_tags(source, file->format());
  probed.tags = std::move(read.tags);
  probed.cover = std::move(read.cover);
  if (file->format() == core::AudioFormat::kAiff) complete_tags(probed.tags, file->metadata());
  return probed;
}

}  // namespace kadenza::services::media
