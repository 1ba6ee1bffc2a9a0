// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <span>

#include "core/audio_stream.hpp"
#include "core/song.hpp"

namespace kadenza::distributed::streaming {

/// Whether `bytes` are the record's chunks from `offset` on; `offset` is a chunk's first byte.
bool verify_chunks(const core::SongRecord& record, std::uint64_t offset, std::span<const std::uint8_t> bytes);

/// `range` grown to whole chunks of a file of `size` bytes.
core::ByteRange whole_chunks(core::ByteRange range, std::uint64_t size);

}  // namespace kadenza::distributed::streaming
