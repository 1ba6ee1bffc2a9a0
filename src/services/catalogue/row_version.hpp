// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>

#include "core/ids.hpp"
#include "core/song.hpp"

namespace kadenza::services::catalogue {

/// How many shards the catalogue has; core/identity.hpp says which of them is an artist's or an album's.
inline constexpr std::uint32_t kShards = 256;

/// The shard of a song's row: its album's, which is its listed artist's.
std::uint8_t shard_of(const core::Song& song);

/// Which of two rows, or records, of one song everybody keeps: the one stored first, the smaller audio hash
/// when both were stored in the same millisecond.
bool wins_over(const core::Song& a, const core::Song& b);

/// A row's name and version.
struct RowVersion {
  core::SongId id;
  std::uint64_t version = 0;  ///< 64 bits of a hash of first_stored and audio

  friend bool operator==(const RowVersion&, const RowVersion&) = default;
};
RowVersion version_of(const core::Song& song);

/// A set of rows in a few bytes: equal sets give equal digests, and nothing else does by chance.
struct RowsDigest {
  std::uint64_t count = 0;
  std::array<std::uint8_t, 16> sum{};  ///< XOR of a 128-bit hash of each row's id and version

  void add(const RowVersion& row);
  void remove(const RowVersion& row);
  /// All rows of another set, which has none in common with this one.
  void add(const RowsDigest& others);

  friend bool operator==(const RowsDigest&, const RowsDigest&) = default;

 private:
  void toggle(const RowVersion& row);
};

}  // namespace kadenza::services::catalogue
