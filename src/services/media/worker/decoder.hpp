// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <functional>

#include "core/error.hpp"
#include "services/media/worker/audio_file.hpp"

namespace kadenza::services::media {

/// Decodes packets of a file and counts what fails. One owner.
class Decoder {
 public:
  /// kDamagedMedia when the stream's parameters are broken.
  static core::Result<Decoder> open(const AudioFile& file);

  using OnFrame = std::function<void(const AVFrame&)>;
  /// A packet that does not decode is counted, not an error. A null packet drains the decoder.
  void decode(const AVPacket* packet, const OnFrame& on_frame);
  /// Packets from another place of the stream follow; the first ones may fail because they refer to what was
  /// left out.
  void restart();

  const AVCodecContext& context() const noexcept { return *context_; }
  /// Packets that failed are too many for a sound file: any of a lossless one, a tenth of others, which may
  /// start or end in the middle of a frame.
  bool is_damaged() const noexcept;
  std::uint64_t failures() const noexcept { return failures_; }
  std::uint64_t packets() const noexcept { return packets_; }
  std::uint64_t frames() const noexcept { return frames_; }

 private:
  Decoder(CodecContext context, bool lossless);
  CodecContext context_;
  Frame frame_;
  bool lossless_;
  std::uint64_t packets_ = 0, failures_ = 0, frames_ = 0;
  unsigned lenient_ = 0;  ///< how many further packets may fail
};

}  // namespace kadenza::services::media
