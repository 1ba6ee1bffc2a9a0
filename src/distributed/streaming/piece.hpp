// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/song.hpp"

namespace kadenza::distributed::streaming {

/// Consecutive whole chunks of a song, verified.
struct Piece {
  std::shared_ptr<const core::SongRecord> record;
  std::uint64_t offset = 0;
  std::vector<std::uint8_t> bytes;
};

}  // namespace kadenza::distributed::streaming
