// SPDX-License-Identifier: AGPL-3.0-or-later
#include "report.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace kadenza::benchmarks::load {
namespace {

double percentile(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  return sorted[std::min(sorted.size() - 1,
                         static_cast<std::size_t>(share * static_cast<double>(sorted.size())))];
}

std::string summary(std::vector<double>& times) {
  std::ranges::sort(times);
  return fmt::format(R"({{"p50":{:.1f},"p99":{:.1f},"max":{:.1f}}})", percentile(times, 0.5),
                     percentile(times, 0.99), times.empty() ? 0 : times.back());
}

}  // namespace

std::string Report::to_json() {
  const auto count = latencies.size();
  return fmt::format(
      R"({{"requests":{},"bytes":{},"seconds":{:.6f},"requests_per_s":{:.1f},"mb_per_s":{:.2f},"latency_us":{},"first_byte_us":{}}})",
      count, bytes, seconds, static_cast<double>(count) / seconds, static_cast<double>(bytes) / seconds / 1e6,
      summary(latencies), summary(first_bytes));
}

}  // namespace kadenza::benchmarks::load
