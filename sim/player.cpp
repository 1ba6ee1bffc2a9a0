// SPDX-License-Identifier: AGPL-3.0-or-later
#include "sim/player.hpp"

#include <algorithm>
#include <chrono>

namespace kadenza::sim {

void Player::has(std::uint64_t size, core::Instant now) {
  if (bytes_ == 0) {
    began_ = std::max(wanted_, now);
  } else {
    silence_ += std::max(core::Duration{}, now - needed(bytes_));
  }
  bytes_ = size;
}

core::Instant Player::needed(std::uint64_t offset) const {
  const std::chrono::duration<double> played(static_cast<double>(offset) / rate_);
  return began_ + silence_ + std::chrono::duration_cast<core::Duration>(played);
}

}  // namespace kadenza::sim
