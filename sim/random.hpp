// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

#include "core/random.hpp"

namespace kadenza::sim {

/// The only source of chance in a simulation. Its distributions are written out here because those of the
/// standard library differ between implementations, and a seed has to mean the same everywhere.
class Random final : public core::Random {
 public:
  explicit Random(std::uint64_t seed) : source_(seed) {}

  std::uint64_t next() override { return source_.next(); }

  /// Uniform in [low, high], both included.
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low) + 1));
  }
  /// Uniform in [0, 1).
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  bool chance(double probability) { return probability > 0 && uniform() < probability; }
  double exponential(double mean) { return -mean * std::log1p(-uniform()); }
  double normal() {  // Box and Muller; the second value is given up for a stateless function
    const double radius = std::sqrt(-2.0 * std::log1p(-uniform()));
    return radius * std::cos(2.0 * std::numbers::pi * uniform());
  }
  double lognormal(double median, double sigma) { return median * std::exp(sigma * normal()); }

  /// An independent stream: what one part of a simulation draws does not shift what another draws.
  Random fork() { return Random(next()); }

 private:
  core::SeededRandom source_;
};

}  // namespace kadenza::sim
