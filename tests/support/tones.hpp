// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <string_view>
#include <vector>

namespace kadenza::testing {

/// A WAV file (16-bit mono, 22,050 Hz) of one sine tone: real audio that differs with its frequency.
inline std::vector<std::uint8_t> make_wav(double frequency_hz, double seconds = 1.0) {
  constexpr std::uint32_t kSampleRate = 22'050;
  const auto samples = static_cast<std::uint32_t>(seconds * kSampleRate);
  std::vector<std::uint8_t> file;
  file.reserve(44 + samples * 2);
  const auto text = [&](std::string_view chars) { file.insert(file.end(), chars.begin(), chars.end()); };
  const auto little_endian = [&](std::uint32_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) file.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  };
  text("RIFF");
  little_endian(36 + samples * 2, 4);
  text("WAVEfmt ");
  little_endian(16, 4);
  little_endian(1, 2);  // PCM
  little_endian(1, 2);  // channels
  little_endian(kSampleRate, 4);
  little_endian(kSampleRate * 2, 4);
  little_endian(2, 2);
  little_endian(16, 2);
  text("data");
  little_endian(samples * 2, 4);
  for (std::uint32_t i = 0; i < samples; ++i) {
    const double value = std::sin(2 * std::numbers::pi * frequency_hz * i / kSampleRate);
    little_endian(static_cast<std::uint16_t>(static_cast<std::int16_t>(value * 12'000)), 2);
  }
  return file;
}

}  // namespace kadenza::testing
