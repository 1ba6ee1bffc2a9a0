// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/media/worker/audio_file.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <new>
#include <optional>
#include <string>

#include <fmt/format.h>

namespace kadenza::services::media {
namespace {

using core::AudioFormat;
using core::Errc;

struct CodecFormat {
  Container container;
  AVCodecID codec;
  AudioFormat format;
};
constexpr std::array kCodecFormats{
    CodecFormat{Container::kMpeg, AV_CODEC_ID_MP3, AudioFormat::kMp3},
    CodecFormat{Container::kFlac, AV_CODEC_ID_FLAC, AudioFormat::kFlac},
    CodecFormat{Container::kOgg, AV_CODEC_ID_VORBIS, AudioFormat::kVorbis},
    CodecFormat{Container::kOgg, AV_CODEC_ID_OPUS, AudioFormat::kOpus},
    CodecFormat{Container::kMp4, AV_CODEC_ID_AAC, AudioFormat::kAac},
    CodecFormat{Container::kMp4, AV_CODEC_ID_ALAC, AudioFormat::kAlac},
};

bool is_pcm(AVCodecID codec) {
  return codec >= AV_CODEC_ID_FIRST_AUDIO && codec < AV_CODEC_ID_ADPCM_IMA_QT;
}

std::optional<AudioFormat> format_of(Container container, AVCodecID codec) {
  if (find_audio_decoder(codec) == nullptr) return std::nullopt;
  if (is_pcm(codec) && container == Container::kWav) return AudioFormat::kWav;
  if (is_pcm(codec) && container == Container::kAiff) return AudioFormat::kAiff;
  for (const auto& known : kCodecFormats) {
    if (known.container == container && known.codec == codec) return known.format;
  }
  return std::nullopt;
}

/// Ogg marks its last page (RFC 3533, section 6); a file without that page, whole, was cut.
bool has_last_ogg_page(FileSource& source) {
  constexpr std::size_t kHeaderBytes = 27;
  constexpr std::size_t kPageBytesMax = kHeaderBytes + 255 + 255 * 255;
  constexpr std::array<std::uint8_t, 4> kCapture{'O', 'g', 'g', 'S'};
  constexpr unsigned kLastPage = 4;
  std::vector<std::uint8_t> tail(std::min<std::uint64_t>(2 * kPageBytesMax, source.size()));
  tail.resize(source.read(source.size() - tail.size(), tail));
  const auto found = std::find_end(tail.begin(), tail.end(), kCapture.begin(), kCapture.end());
  const std::span page(found, tail.end());
  if (page.size() < kHeaderBytes || (page[5] & kLastPage) == 0) return false;
  const std::size_t segments = page[26];
  std::size_t length = kHeaderBytes + segments;
  for (std::size_t i = 0; i < segments && kHeaderBytes + i < page.size(); ++i)
    length += page[kHeaderBytes + i];
  return length <= page.size();
}

/// Files may name other files (MP4 data references): none is ever opened.
int refuse_to_open(AVFormatContext*, AVIOContext**, const char*, int, AVDictionary**) {
  return AVERROR(EACCES);
}

}  // namespace

const AVCodec* find_audio_decoder(AVCodecID codec) noexcept {
  for (const auto* name : kAudioDecoders) {
    const auto* const decoder = avcodec_find_decoder_by_name(name);
    if (decoder != nullptr && decoder->id == codec) return decoder;
  }
  return nullptr;
}

AudioFile::AudioFile(FileSource& source, Container container)
    : source_(source), container_(container), input_(source) {}

core::Result<std::unique_ptr<AudioFile>> AudioFile::open(FileSource& source, Container container) {
  std::unique_ptr<AudioFile> file(new AudioFile(source, container));
  KADENZA_TRY_VOID(file->open_container());
  KADENZA_TRY_VOID(file->choose_stream());
  return file;
}

core::Result<void> AudioFile::open_container() {
  auto* context = avformat_alloc_context();
  if (context == nullptr) throw std::bad_alloc();
  context->pb = input_.context();
  context->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_BITEXACT;
  context->io_open = refuse_to_open;
  context->error_recognition = AV_EF_CRCCHECK;
  context->max_streams = 16;
  const auto* const name = demuxer_name(container_);
  context->format_whitelist = av_strdup(av_find_input_format(name)->name);
  const int opened = avformat_open_input(&context, nullptr, av_find_input_format(name), nullptr);
  context_.reset(opened < 0 ? nullptr : context);
  if (opened < 0) return media_failure(opened, "the file is cut, or its headers are broken");
  // FFmpeg's MP3 demuxer goes on to sum up the whole file when it finds no Xing header to check by the sum.
  context->pb->update_checksum = nullptr;
  return {};
}

bool AudioFile::is_encrypted() const {
  const auto tag = stream_->codecpar->codec_tag;
  if (tag == MKTAG('e', 'n', 'c', 'a') || tag == MKTAG('d', 'r', 'm', 's')) return true;
  return av_stream_get_side_data(stream_, AV_PKT_DATA_ENCRYPTION_INIT_INFO, nullptr) != nullptr;
}

core::Result<void> AudioFile::choose_stream() {
  for (unsigned i = 0; i < context_->nb_streams; ++i) {
    auto* const stream = context_->streams[i];
    const auto type = stream->codecpar->codec_type;
    if (type == AVMEDIA_TYPE_VIDEO && (stream->disposition & AV_DISPOSITION_ATTACHED_PIC) == 0)
      return core::fail(Errc::kUnsupportedMedia, "the file has moving pictures; only audio files are kept");
    if (type == AVMEDIA_TYPE_AUDIO && stream_ == nullptr) stream_ = stream;
    stream->discard = stream == stream_ ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
  }
  if (stream_ == nullptr) return core::fail(Errc::kUnsupportedMedia, "there is no audio in the file");
  if (is_encrypted()) return core::fail(Errc::kUnsupportedMedia, "the file is encrypted (copy protection)");
  const auto format = format_of(container_, stream_->codecpar->codec_id);
  if (!format) {
    return core::fail(Errc::kUnsupportedMedia,
                      fmt::format("audio of the kind {} is not supported in this kind of file",
                                  avcodec_get_name(stream_->codecpar->codec_id)));
  }
  format_ = *format;
  if (stream_->duration != AV_NOPTS_VALUE) duration_announced_ = std::max<std::int64_t>(stream_->duration, 0);
  return {};
}

bool AudioFile::is_lossless() const noexcept {
  return format_ == AudioFormat::kFlac || format_ == AudioFormat::kAlac || format_ == AudioFormat::kWav ||
         format_ == AudioFormat::kAiff;
}

core::Result<bool> AudioFile::next(AVPacket& packet) {
  for (;;) {
    av_packet_unref(&packet);
    const int read = av_read_frame(context_.get(), &packet);
    if (read == AVERROR_EOF) return false;
    if (read < 0)
      return media_failure(read, fmt::format("the file is cut or broken after {:.1f} s", seconds_read()));
    if (packet.stream_index != stream_->index) continue;
    account(packet);
    return true;
  }
}

void AudioFile::account(const AVPacket& packet) {
  if (packet.duration > 0) duration_read_ += packet.duration;
  if (container_ == Container::kOgg && packet.pts != AV_NOPTS_VALUE) {
    // Vorbis packets do not all know how long they last; where the next one begins tells.
    if (!first_time_) first_time_ = packet.pts;
    duration_read_ =
        std::max(duration_read_, packet.pts + std::max<std::int64_t>(packet.duration, 0) - *first_time_);
  }
  bytes_read_ += static_cast<std::uint64_t>(packet.size);
  last_packet_cut_ = (packet.flags & AV_PKT_FLAG_CORRUPT) != 0;
  if (container_ == Container::kMpeg && packet.size >= 4) {
    const auto expected = mpeg_frame_bytes(std::span(packet.data, 4).first<4>());
    last_packet_cut_ = static_cast<std::size_t>(packet.size) < expected;
  }
  std::size_t length = 0;
  const auto* const skip = av_packet_get_side_data(&packet, AV_PKT_DATA_SKIP_SAMPLES, &length);
  if (skip == nullptr || length < 8) return;
  for (const auto* word : {skip, skip + 4})
    samples_trimmed_ += word[0] | word[1] << 8 | word[2] << 16 | static_cast<std::int64_t>(word[3]) << 24;
}

double AudioFile::seconds_read() const noexcept {
  return static_cast<double>(duration_read_) * av_q2d(stream_->time_base);
}

core::Result<void> AudioFile::check_complete() const {
  const auto announced = static_cast<double>(duration_announced_) * av_q2d(stream_->time_base);
  const auto cut = [](std::string what) {
    return core::fail(Errc::kDamagedMedia, fmt::format("the file is cut or broken: {}", what));
  };
  // Headers may count the encoder's padding or not: about two frames.
  constexpr double kSlackSeconds = 0.12;
  if (announced > seconds_read() + kSlackSeconds)
    return cut(
        fmt::format("it says that it lasts {:.1f} s, but has only {:.1f} s", announced, seconds_read()));
  if (last_packet_cut_) return cut("its last piece of audio is incomplete");
  if (promises_more(source_, container_)) return cut("its end is missing");
  if (container_ == Container::kOgg && !has_last_ogg_page(source_)) return cut("its end is missing");
  return {};
}

core::AudioProperties AudioFile::properties(const AVCodecContext& decoder) const {
  core::AudioProperties properties;
  properties.format = format_;
  properties.sample_rate = static_cast<std::uint32_t>(std::max(decoder.sample_rate, 0));
  properties.channels = static_cast<std::uint8_t>(std::clamp(decoder.ch_layout.nb_channels, 0, 255));
  const auto trimmed = stream_->codecpar->sample_rate > 0
                           ? static_cast<double>(samples_trimmed_) / stream_->codecpar->sample_rate
                           : 0;
  const auto seconds = std::max(seconds_read() - trimmed, 0.0);
  properties.duration = std::chrono::milliseconds(std::llround(seconds * 1000));
  if (seconds > 0) {
    const auto rate = static_cast<double>(bytes_read_) * 8 / seconds;
    properties.bit_rate = static_cast<std::uint32_t>(std::min(rate, 4e9));
  }
  if (is_lossless()) {
    const int bits = std::max(decoder.bits_per_raw_sample, av_get_bits_per_sample(decoder.codec_id));
    properties.bits_per_sample = static_cast<std::uint8_t>(std::clamp(bits, 0, 255));
  }
  return properties;
}

}  // namespace kadenza::services::media
