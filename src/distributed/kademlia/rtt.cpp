// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/kademlia/rtt.hpp"

#include <algorithm>

namespace kadenza::distributed::kademlia {

void RttEstimate::add(Duration sample) noexcept {
  constexpr std::int64_t kLongestUs = 60'000'000;
  const auto us = std::clamp<std::int64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(sample).count(), 1, kLongestUs);
  if (!known()) {
    smoothed_us_ = static_cast<std::uint32_t>(us);
    variation_us_ = static_cast<std::uint32_t>(us / 2);
    return;
  }
  const std::int64_t error = us - smoothed_us_;
  const std::int64_t magnitude = error < 0 ? -error : error;
  variation_us_ = static_cast<std::uint32_t>(variation_us_ + (magnitude - std::int64_t{variation_us_}) / 4);
  smoothed_us_ = static_cast<std::uint32_t>(std::max<std::int64_t>(1, smoothed_us_ + error / 8));
}

Duration RttEstimate::soft_timeout(const Config& config) const noexcept {
  if (!known()) return config.soft_timeout_max;
  const Duration wanted =
      std::chrono::microseconds(std::int64_t{smoothed_us_} + 4 * std::int64_t{variation_us_});
  return std::clamp(wanted, config.soft_timeout_min, config.soft_timeout_max);
}

}  // namespace kadenza::distributed::kademlia
