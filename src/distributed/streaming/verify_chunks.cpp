// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/streaming/verify_chunks.hpp"

#include <algorithm>

#include "core/planted_bugs.hpp"
#include "core/sha256.hpp"

namespace kadenza::distributed::streaming {

bool verify_chunks(const core::SongRecord& record, std::uint64_t offset,
                   std::span<const std::uint8_t> bytes) {
  if (core::planted(core::PlantedBug::kChunksUnchecked)) return true;
  for (auto chunk = offset / core::kChunkBytes; !bytes.empty(); ++chunk) {
    const auto part = bytes.first(std::min<std::size_t>(bytes.size(), core::kChunkBytes));
    if (chunk >= record.chunks.size() || core::sha256(part) != record.chunks[chunk]) return false;
    bytes = bytes.subspan(part.size());
  }
  return true;
}

core::ByteRange whole_chunks(core::ByteRange range, std::uint64_t size) {
  const auto begin = range.offset / core::kChunkBytes * core::kChunkBytes;
  const auto end =
      (range.offset + range.length + core::kChunkBytes - 1) / core::kChunkBytes * core::kChunkBytes;
  return {begin, std::min(end, size) - begin};
}

}  // namespace kadenza::distributed::streaming
