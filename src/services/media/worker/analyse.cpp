// SPDX-License-Identifier: AGPL-3.0-or-later
#include <cmath>
#include <memory>
#include <new>

#include <ebur128.h>
#include <fmt/format.h>

#include "services/media/worker/decoder.hpp"
#include "services/media/worker/jobs.hpp"
#include "services/media/worker/waveform.hpp"

namespace kadenza::services::media {
namespace {

struct FreeMeter {
  void operator()(ebur128_state* meter) const noexcept { ebur128_destroy(&meter); }
};
using Meter = std::unique_ptr<ebur128_state, FreeMeter>;

/// Measures decoded audio: EBU R128 loudness and the waveform. Whatever the frames' sample format, and should
/// they change in the middle, they are converted to float in the layout of the first one. One owner.
class Measurement {
 public:
  void add(const AVFrame& frame) {
    if (frame.sample_rate <= 0 || frame.ch_layout.nb_channels <= 0 || frame.nb_samples <= 0) return;
    if (!meter_) start(frame);
    if (!resampler_ || frame.format != input_format_ || frame.sample_rate != input_rate_ ||
        frame.ch_layout.nb_channels != input_channels_) {
      connect(frame);
    }
    const int room = swr_get_out_samples(resampler_.get(), frame.nb_samples);
    if (room <= 0) return;
    samples_.resize(static_cast<std::size_t>(room) * channels_);
    auto* out = reinterpret_cast<std::uint8_t*>(samples_.data());
    const int got = swr_convert(resampler_.get(), &out, room,
                                const_cast<const std::uint8_t**>(frame.extended_data), frame.nb_samples);
    if (got > 0) measure(static_cast<std::size_t>(got));
  }

  core::DerivedFacts facts() const {
    core::DerivedFacts facts;
    facts.waveform = waveform_.points();
    core::Loudness loudness;
    if (!meter_ || ebur128_loudness_global(meter_.get(), &loudness.integrated_lufs) != EBUR128_SUCCESS ||
        ebur128_loudness_range(meter_.get(), &loudness.range_lu) != EBUR128_SUCCESS ||
        !std::isfinite(loudness.integrated_lufs)) {
      return facts;
    }
    for (unsigned channel = 0; channel < channels_; ++channel) {
      double peak = 0;
      ebur128_true_peak(meter_.get(), channel, &peak);
      loudness.true_peak = std::max(loudness.true_peak, peak);
    }
    facts.loudness = loudness;
    return facts;
  }

 private:
  void start(const AVFrame& frame) {
    rate_ = frame.sample_rate;
    channels_ = static_cast<unsigned>(frame.ch_layout.nb_channels);
    meter_.reset(ebur128_init(channels_, static_cast<unsigned long>(rate_),
                              EBUR128_MODE_I | EBUR128_MODE_LRA | EBUR128_MODE_TRUE_PEAK));
    if (!meter_) throw std::bad_alloc();
  }

  void connect(const AVFrame& frame) {
    AVChannelLayout out_layout{};
    av_channel_layout_default(&out_layout, static_cast<int>(channels_));
    AVChannelLayout in_layout{};
    av_channel_layout_default(&in_layout, frame.ch_layout.nb_channels);
    SwrContext* raw = nullptr;
    const int made =
        swr_alloc_set_opts2(&raw, &out_layout, AV_SAMPLE_FMT_FLT, rate_, &in_layout,
                            static_cast<AVSampleFormat>(frame.format), frame.sample_rate, 0, nullptr);
    resampler_.reset(raw);
    if (made < 0 || swr_init(resampler_.get()) < 0) throw std::bad_alloc();
    input_format_ = frame.format;
    input_rate_ = frame.sample_rate;
    input_channels_ = frame.ch_layout.nb_channels;
  }

  void measure(std::size_t frames) {
    for (std::size_t i = 0; i < frames; ++i) {
      float peak = 0;
      for (std::size_t channel = 0; channel < channels_; ++channel) {
        auto& sample = samples_[i * channels_ + channel];
        if (!std::isfinite(sample)) sample = 0;
        peak = std::max(peak, std::abs(sample));
      }
      waveform_.add(peak);
    }
    ebur128_add_frames_float(meter_.get(), samples_.data(), frames);
  }

  Meter meter_;
  Resampler resampler_;
  std::vector<float> samples_;
  Waveform waveform_;
  int rate_ = 0, input_format_ = -1, input_rate_ = 0, input_channels_ = 0;
  unsigned channels_ = 0;
};

/// Decodes everything; gives why the file is damaged, if it is.
core::Result<void> decode_all(AudioFile& file, Decoder& decoder, Measurement& measurement) {
  const Packet packet(av_packet_alloc());
  if (!packet) throw std::bad_alloc();
  const auto measure = [&](const AVFrame& frame) { measurement.add(frame); };
  double first_failure = 0;
  for (;;) {
    const auto seconds = file.seconds_read();
    const auto failures = decoder.failures();
    KADENZA_TRY(const bool more, file.next(*packet));
    decoder.decode(more ? packet.get() : nullptr, measure);
    if (failures == 0 && decoder.failures() > 0) first_failure = seconds;
    if (!more) break;
  }
  KADENZA_TRY_VOID(file.check_complete());
  if (decoder.is_damaged()) {
    return core::fail(core::Errc::kDamagedMedia,
                      fmt::format("{} of {} pieces cannot be decoded, the first at {:.1f} s",
                                  decoder.failures(), decoder.packets(), first_failure));
  }
  return {};
}

}  // namespace

core::Result<core::DerivedFacts> analyse(FileSource& source) {
  KADENZA_TRY(const auto container, recognise(source));
  KADENZA_TRY(const auto file, AudioFile::open(source, container));
  KADENZA_TRY(auto decoder, Decoder::open(*file));
  Measurement measurement;
  const auto decoded = decode_all(*file, decoder, measurement);
  auto facts = measurement.facts();
  if (!decoded) facts.damaged = decoded.error().detail;
  return facts;
}

}  // namespace kadenza::services::media
