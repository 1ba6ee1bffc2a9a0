// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <array>
#include <memory>
#include <string>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswresample/swresample.h>
#include <libswscale/swscale.h>
}

#include "core/error.hpp"

/// Owners for FFmpeg's objects, and what of FFmpeg is used at all.
namespace kadenza::services::media {

struct FreeAv {
  void operator()(AVCodecContext* object) const noexcept { avcodec_free_context(&object); }
  void operator()(AVFormatContext* object) const noexcept { avformat_close_input(&object); }
  void operator()(AVPacket* object) const noexcept { av_packet_free(&object); }
  void operator()(AVFrame* object) const noexcept { av_frame_free(&object); }
  void operator()(SwrContext* object) const noexcept { swr_free(&object); }
  void operator()(SwsContext* object) const noexcept { sws_freeContext(object); }
  void operator()(AVIOContext* object) const noexcept {
    av_freep(&object->buffer);
    avio_context_free(&object);
  }
};
using CodecContext = std::unique_ptr<AVCodecContext, FreeAv>;
using FormatContext = std::unique_ptr<AVFormatContext, FreeAv>;
using Packet = std::unique_ptr<AVPacket, FreeAv>;
using Frame = std::unique_ptr<AVFrame, FreeAv>;
using Resampler = std::unique_ptr<SwrContext, FreeAv>;
using Scaler = std::unique_ptr<SwsContext, FreeAv>;
using IoContext = std::unique_ptr<AVIOContext, FreeAv>;

/// The decoders for audio, by FFmpeg's names; no other is ever opened.
inline constexpr std::array kAudioDecoders{"mp3float",  "flac",      "vorbis",    "opus",      "aac",
                                           "alac",      "pcm_u8",    "pcm_s8",    "pcm_s16le", "pcm_s16be",
                                           "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_s32be", "pcm_f32le",
                                           "pcm_f32be", "pcm_f64le", "pcm_f64be"};

/// What a failing FFmpeg call means for the file: `broken`, or that the worker's memory did not suffice.
inline std::unexpected<core::Error> media_failure(int error, std::string broken) {
  if (error == AVERROR(ENOMEM)) {
    return core::fail(core::Errc::kDamagedMedia,
                      "the file needs more memory to parse than is allowed; it is broken or malicious");
  }
  return core::fail(core::Errc::kDamagedMedia, std::move(broken));
}

}  // namespace kadenza::services::media
