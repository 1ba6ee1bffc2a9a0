// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace kadenza::services::media {

/// Peaks of a stream whose length is not known beforehand, in bounded memory: neighbouring bins are merged
/// when there are too many. One owner.
class Waveform {
 public:
  /// One peak per moment: the loudest channel of one sample, 0 … 1.
  void add(float peak);

  /// core::kWaveformPoints values, 0 … 255; none when nothing was added.
  std::vector<std::uint8_t> points() const;

 private:
  void merge_pairs();

  std::vector<float> bins_;
  std::uint64_t samples_per_bin_ = 8;
  std::uint64_t in_last_bin_ = 0;
};

}  // namespace kadenza::services::media
