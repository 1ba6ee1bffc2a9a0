// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/media/worker/decoder.hpp"

#include <algorithm>
#include <new>

namespace kadenza::services::media {
namespace {

/// MP3 frames lean on up to nine earlier ones (the bit reservoir).
constexpr unsigned kLenientAfterRestart = 10;

}  // namespace

Decoder::Decoder(CodecContext context, bool lossless)
    : context_(std::move(context)), frame_(av_frame_alloc()), lossless_(lossless) {
  if (!frame_) throw std::bad_alloc();
}

core::Result<Decoder> Decoder::open(const AudioFile& file) {
  const auto* const codec = find_audio_decoder(file.stream().codecpar->codec_id);
  CodecContext context(avcodec_alloc_context3(codec));
  if (!context) throw std::bad_alloc();
  int status = avcodec_parameters_to_context(context.get(), file.stream().codecpar);
  context->pkt_timebase = file.stream().time_base;
  context->thread_count = 1;
  context->err_recognition = AV_EF_CRCCHECK;
  if (status >= 0) status = avcodec_open2(context.get(), codec, nullptr);
  if (status < 0)
    return media_failure(status, "the audio in the file cannot be decoded: its headers are broken");
  return Decoder(std::move(context), file.is_lossless());
}

void Decoder::decode(const AVPacket* packet, const OnFrame& on_frame) {
  if (packet != nullptr) ++packets_;
  int status = avcodec_send_packet(context_.get(), packet);
  while (status >= 0) {
    status = avcodec_receive_frame(context_.get(), frame_.get());
    if (status < 0) break;
    ++frames_;
    on_frame(*frame_);
  }
  if (status == AVERROR(ENOMEM)) throw std::bad_alloc();
  const bool failed = status != AVERROR(EAGAIN) && status != AVERROR_EOF;
  if (failed && lenient_ == 0) ++failures_;
  if (lenient_ > 0) --lenient_;
}

void Decoder::restart() {
  avcodec_flush_buffers(context_.get());
  lenient_ = kLenientAfterRestart;
}

bool Decoder::is_damaged() const noexcept {
  if (frames_ == 0) return true;
  return failures_ > (lossless_ ? 0 : std::max<std::uint64_t>(2, packets_ / 10));
}

}  // namespace kadenza::services::media
