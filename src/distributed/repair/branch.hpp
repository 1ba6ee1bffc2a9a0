// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>

#include "core/ids.hpp"
#include "core/song.hpp"
#include "services/catalogue/row_version.hpp"

namespace kadenza::distributed::repair {

using services::catalogue::RowsDigest;
using services::catalogue::RowVersion;

/// A song or a document that a node holds, as nodes compare them. Songs and documents lie in one space of
/// keys, but are never compared with each other: a document's id stands where a song's would.
struct HeldCopy {
  RowVersion version;
  std::uint64_t bytes = 0;  ///< of its audio, or of the document

  friend bool operator==(const HeldCopy&, const HeldCopy&) = default;
};

/// Its version is the beginning of its audio's hash: two nodes may have stored the same audio at different
/// times.
HeldCopy held_song(const core::Song& song);

/// A branch of the Merkle tree over song ids: those that begin with the same hexadecimal digits.
struct Branch {
  static constexpr unsigned kDigitsMax = 64;
  static constexpr unsigned kChildren = 16;

  core::SongId first;  ///< the digits, then zeros
  unsigned digits = 0;

  core::SongId last() const;
  Branch child(unsigned digit) const;
  bool contains(const core::SongId& id) const { return first <= id && id <= last(); }
  /// Nothing but zeros behind the digits, of which there are at most kDigitsMax.
  bool is_valid() const;

  friend bool operator==(const Branch&, const Branch&) = default;
};

/// What is in a branch. The hash of a branch is the XOR of its songs' hashes, hence that of its children's: a
/// song that comes or goes changes it by one operation, and branches of several partitions add up.
struct Summary {
  RowsDigest songs;
  std::uint64_t bytes = 0;

  void add(const Summary& others) {
    songs.add(others.songs);
    bytes += others.bytes;
  }
  friend bool operator==(const Summary&, const Summary&) = default;
};

}  // namespace kadenza::distributed::repair
