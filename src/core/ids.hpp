// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/base32.hpp"

namespace kadenza::core {

/// A 256-bit value, shown as 52 characters of lower-case base32. `Tag` makes ids of different things
/// different types. Ordered as big-endian numbers.
template <class Tag>
struct Id {
  static constexpr std::size_t kBytes = 32;
  static constexpr std::size_t kTextLength = 52;

  std::array<std::uint8_t, kBytes> bytes{};

  std::string text() const { return base32_encode(bytes); }

  static std::optional<Id> parse(std::string_view text) {
    Id id;
    if (!base32_decode(text, id.bytes)) return std::nullopt;
    return id;
  }

  /// From exactly 32 raw bytes, as stored in databases and messages.
  static std::optional<Id> from_bytes(std::span<const std::uint8_t> raw) {
    if (raw.size() != kBytes) return std::nullopt;
    Id id;
    std::memcpy(id.bytes.data(), raw.data(), kBytes);
    return id;
  }

  friend auto operator<=>(const Id&, const Id&) = default;
};

using Digest = Id<struct DigestTag>;  ///< SHA-256 of some bytes
using SongId = Id<struct SongTag>;    ///< see core/identity.hpp
using AlbumId = Id<struct AlbumTag>;
using ArtistId = Id<struct ArtistTag>;
using NodeId = Id<struct NodeTag>;          ///< SHA-256 of a node's public key
using DocumentId = Id<struct DocumentTag>;  ///< see distributed/documents/document.hpp

}  // namespace kadenza::core

template <class Tag>
struct std::hash<kadenza::core::Id<Tag>> {
  std::size_t operator()(const kadenza::core::Id<Tag>& id) const noexcept {
    std::size_t value;  // ids are hashes already; of a partition's key only the first bits are
    std::memcpy(&value, id.bytes.data(), sizeof value);
    return value;
  }
};
