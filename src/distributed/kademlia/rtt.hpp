// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>

#include "distributed/kademlia/config.hpp"

namespace kadenza::distributed::kademlia {

/// Smoothed round trip time and its variation (Jacobson 1988; RFC 6298), in 8 bytes.
class RttEstimate {
 public:
  bool known() const noexcept { return smoothed_us_ != 0; }
  Duration smoothed() const noexcept { return std::chrono::microseconds(smoothed_us_); }

  void add(Duration sample) noexcept;

  /// When to stop waiting alone for an answer: srtt + 4 var, within the configured bounds; the upper bound
  /// when nothing is known.
  Duration soft_timeout(const Config& config) const noexcept;

 private:
  std::uint32_t smoothed_us_ = 0;
  std::uint32_t variation_us_ = 0;
};

}  // namespace kadenza::distributed::kademlia
