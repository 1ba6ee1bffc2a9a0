// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "core/error.hpp"
#include "core/song.hpp"
#include "services/media/worker/av_input.hpp"
#include "services/media/worker/container.hpp"
#include "services/media/worker/ffmpeg.hpp"

namespace kadenza::services::media {

/// The audio stream of a file, packet by packet, through FFmpeg. One owner.
class AudioFile {
 public:
  /// kUnsupportedMedia when the file is not audio in a known format (no audio, moving pictures, encrypted,
  /// another codec); kDamagedMedia when its headers are broken.
  static core::Result<std::unique_ptr<AudioFile>> open(FileSource& source, Container container);

  core::AudioFormat format() const noexcept { return format_; }
  bool is_lossless() const noexcept;
  const AVStream& stream() const noexcept { return *stream_; }
  const AVDictionary* metadata() const noexcept { return context_->metadata; }

  /// The next audio packet, or false at the end. kDamagedMedia when the container is broken there.
  core::Result<bool> next(AVPacket& packet);

  /// Seconds of audio up to the end of the last packet.
  double seconds_read() const noexcept;

  /// After the last packet: kDamagedMedia when the file says that there should be more.
  core::Result<void> check_complete() const;

  /// After the last packet, once `decoder` has decoded some of it.
  core::AudioProperties properties(const AVCodecContext& decoder) const;

 private:
  AudioFile(FileSource& source, Container container);

  core::Result<void> open_container();
  core::Result<void> choose_stream();
  bool is_encrypted() const;
  void account(const AVPacket& packet);

  FileSource& source_;
  const Container container_;
  AvInput input_;
  FormatContext context_;
  AVStream* stream_ = nullptr;
  core::AudioFormat format_ = core::AudioFormat::kMp3;

  std::int64_t duration_announced_ = 0;  ///< in the stream's time base; 0 = unknown
  std::int64_t duration_read_ = 0;
  std::optional<std::int64_t> first_time_;  ///< of the first packet, in the stream's time base
  std::int64_t samples_trimmed_ = 0;        ///< padding of the encoder at the start and end
  std::uint64_t bytes_read_ = 0;
  bool last_packet_cut_ = false;
};

/// The decoder for a codec of kAudioDecoders, or null.
const AVCodec* find_audio_decoder(AVCodecID codec) noexcept;

}  // namespace kadenza::services::media
