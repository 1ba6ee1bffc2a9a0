// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/media/worker/waveform.hpp"

#include <algorithm>
#include <cmath>

#include "core/song.hpp"

namespace kadenza::services::media {
namespace {

constexpr std::size_t kBinsMax = 64 * core::kWaveformPoints;

}  // namespace

void Waveform::add(float peak) {
  if (in_last_bin_ == 0) {
    if (bins_.size() == kBinsMax) merge_pairs();
    bins_.push_back(0);
  }
  bins_.back() = std::max(bins_.back(), peak);
  in_last_bin_ = (in_last_bin_ + 1) % samples_per_bin_;
}

void Waveform::merge_pairs() {
  for (std::size_t i = 0; i < bins_.size() / 2; ++i) bins_[i] = std::max(bins_[2 * i], bins_[2 * i + 1]);
  bins_.resize(bins_.size() / 2);
  samples_per_bin_ *= 2;
}

std::vector<std::uint8_t> Waveform::points() const {
  std::vector<std::uint8_t> points;
  if (bins_.empty()) return points;
  points.reserve(core::kWaveformPoints);
  for (std::size_t i = 0; i < core::kWaveformPoints; ++i) {
    const auto begin = i * bins_.size() / core::kWaveformPoints;
    const auto end = std::max(begin + 1, (i + 1) * bins_.size() / core::kWaveformPoints);
    const auto peak = *std::max_element(bins_.begin() + static_cast<std::ptrdiff_t>(begin),
                                        bins_.begin() + static_cast<std::ptrdiff_t>(end));
    points.push_back(static_cast<std::uint8_t>(std::lround(std::clamp(peak, 0.0f, 1.0f) * 255)));
  }
  return points;
}

}  // namespace kadenza::services::media
