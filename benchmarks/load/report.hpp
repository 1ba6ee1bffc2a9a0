// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace kadenza::benchmarks::load {

/// What was measured. Times in microseconds.
struct Report {
  std::vector<double> latencies, first_bytes;
  std::uint64_t bytes = 0;
  double seconds = 0;

  /// One JSON object.
  std::string to_json();
};

}  // namespace kadenza::benchmarks::load
