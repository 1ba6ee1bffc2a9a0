// SPDX-License-Identifier: AGPL-3.0-or-later
#include <algorithm>
#include <array>
#include <new>
#include <string_view>
#include <utility>

extern "C" {
#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>
}

#include "services/media/worker/cover.hpp"
#include "services/media/worker/ffmpeg.hpp"
#include "services/media/worker/jobs.hpp"

namespace kadenza::services::media {
namespace {

constexpr std::int64_t kPixelsMax = 40'000'000;
constexpr int kJpegQuality = 3;  ///< FFmpeg's scale, 2 (best) … 31

std::unexpected<core::Error> broken_image() {
  return core::fail(core::Errc::kDamagedMedia, "the cover picture is broken");
}

core::Result<Frame> decode_image(std::span<const std::uint8_t> bytes) {
  constexpr std::array<std::pair<std::string_view, const char*>, 5> kDecoders{{{"image/jpeg", "mjpeg"},
                                                                               {"image/png", "png"},
                                                                               {"image/gif", "gif"},
                                                                               {"image/bmp", "bmp"},
                                                                               {"image/webp", "webp"}}};
  const auto* const type = image_content_type(bytes);
  if (type == nullptr) {
    return core::fail(
        core::Errc::kUnsupportedMedia,
        "the cover is none of the picture formats that Kadenza knows: JPEG, PNG, GIF, BMP, WebP");
  }
  const auto* const known =
      std::ranges::find(kDecoders, std::string_view(type), [](auto& d) { return d.first; });
  const auto* const codec = avcodec_find_decoder_by_name(known->second);
  const CodecContext context(avcodec_alloc_context3(codec));
  const Packet packet(av_packet_alloc());
  Frame frame(av_frame_alloc());
  if (!context || !packet || !frame || av_new_packet(packet.get(), static_cast<int>(bytes.size())) < 0)
    throw std::bad_alloc();
  std::ranges::copy(bytes, packet->data);
  packet->flags |= AV_PKT_FLAG_KEY;
  context->thread_count = 1;
  context->max_pixels = kPixelsMax;
  if (avcodec_open2(context.get(), codec, nullptr) < 0 ||
      avcodec_send_packet(context.get(), packet.get()) < 0)
    return broken_image();
  avcodec_send_packet(context.get(), nullptr);
  if (avcodec_receive_frame(context.get(), frame.get()) < 0 || frame->width <= 0 || frame->height <= 0)
    return broken_image();
  return frame;
}

struct Size {
  int width, height;
};

/// The largest size of the same shape within `pixels` each way, never larger than it is.
Size fitted(const AVFrame& image, std::uint32_t pixels) {
  const auto longer = static_cast<std::int64_t>(std::max(image.width, image.height));
  if (pixels == 0 || pixels >= longer) return {image.width, image.height};
  const auto scaled = [&](int length) {
    return static_cast<int>(
        std::max<std::int64_t>(1, (length * static_cast<std::int64_t>(pixels) + longer / 2) / longer));
  };
  return {scaled(image.width), scaled(image.height)};
}

core::Result<Frame> converted(const AVFrame& image, Size size, AVPixelFormat format) {
  Frame out(av_frame_alloc());
  if (!out) throw std::bad_alloc();
  out->width = size.width;
  out->height = size.height;
  out->format = format;
  if (av_frame_get_buffer(out.get(), 0) < 0) throw std::bad_alloc();
  const Scaler scaler(sws_getContext(image.width, image.height, static_cast<AVPixelFormat>(image.format),
                                     size.width, size.height, format, SWS_AREA, nullptr, nullptr, nullptr));
  if (!scaler ||
      sws_scale(scaler.get(), image.data, image.linesize, 0, image.height, out->data, out->linesize) <= 0)
    return broken_image();
  return out;
}

bool may_be_transparent(const AVFrame& image) {
  const auto* const description = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(image.format));
  return image.format == AV_PIX_FMT_PAL8 ||
         (description != nullptr && (description->flags & AV_PIX_FMT_FLAG_ALPHA));
}

bool is_transparent(const AVFrame& rgba) {
  for (int y = 0; y < rgba.height; ++y) {
    const auto* const row = rgba.data[0] + static_cast<std::ptrdiff_t>(y) * rgba.linesize[0];
    for (int x = 0; x < rgba.width; ++x) {
      if (row[4 * x + 3] != 0xFF) return true;
    }
  }
  return false;
}

core::Result<core::Image> encoded(AVFrame& image, const char* encoder, const char* content_type) {
  const auto* const codec = avcodec_find_encoder_by_name(encoder);
  const CodecContext context(avcodec_alloc_context3(codec));
  const Packet packet(av_packet_alloc());
  if (!context || !packet) throw std::bad_alloc();
  context->width = image.width;
  context->height = image.height;
  context->pix_fmt = static_cast<AVPixelFormat>(image.format);
  context->time_base = {1, 25};
  context->thread_count = 1;
  context->color_range = AVCOL_RANGE_JPEG;
  context->flags |= AV_CODEC_FLAG_QSCALE;
  context->global_quality = FF_QP2LAMBDA * kJpegQuality;
  image.quality = context->global_quality;
  if (avcodec_open2(context.get(), codec, nullptr) < 0 || avcodec_send_frame(context.get(), &image) < 0)
    return core::fail(core::Errc::kInternal, "the cover cannot be written in its new size");
  avcodec_send_frame(context.get(), nullptr);
  if (avcodec_receive_packet(context.get(), packet.get()) < 0)
    return core::fail(core::Errc::kInternal, "the cover cannot be written in its new size");
  return core::Image{content_type, {packet->data, packet->data + packet->size}};
}

}  // namespace

core::Result<core::Image> resize(FileSource& source, std::uint32_t pixels) {
  std::vector<std::uint8_t> bytes(source.size());
  bytes.resize(source.read(0, bytes));
  KADENZA_TRY(const auto image, decode_image(bytes));
  const auto size = fitted(*image, pixels);
  if (may_be_transparent(*image)) {
    KADENZA_TRY(const auto rgba, converted(*image, size, AV_PIX_FMT_RGBA));
    if (is_transparent(*rgba)) return encoded(*rgba, "png", "image/png");
  }
  KADENZA_TRY(const auto opaque, converted(*image, size, AV_PIX_FMT_YUVJ420P));
  return encoded(*opaque, "mjpeg", "image/jpeg");
}

}  // namespace kadenza::services::media
