// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

#include "core/error.hpp"
#include "core/ids.hpp"

namespace kadenza::core {

/// The form in which names are compared: ICU NFKC with case folding (nfkc_cf), trimmed, inner white space
/// collapsed to single spaces. Malformed UTF-8 becomes U+FFFD.
std::string normalise(std::string_view utf8);

/// Two songs are the same song when title, artist and album are equal after normalise(): SHA-256 over the
/// three, each preceded by its length in bytes (4 bytes, big-endian). A missing album is the empty string.
/// Test vectors: docs/song-id.md.
SongId song_id(std::string_view title, std::string_view artist, std::string_view album);

/// Catalogue shard of an artist's albums and songs, 0…255: the first byte of the artist's id, so that every
/// ArtistId and AlbumId names its shard.
ArtistId artist_id(std::string_view name);
AlbumId album_id(std::string_view album_artist, std::string_view album);

/// The name that stands for "no single artist"; its albums are spread over all shards by album.
inline constexpr std::string_view kVariousArtists = "Various Artists";

template <class Tag>
constexpr std::uint8_t shard_of(const Id<Tag>& id) {
  return id.bytes[0];
}

}  // namespace kadenza::core
