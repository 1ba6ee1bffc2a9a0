// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <string>

#include "core/error.hpp"
#include "core/ids.hpp"
#include "core/song.hpp"

namespace kadenza::v1 {
class Song;
class SongRecord;
}  // namespace kadenza::v1

namespace kadenza::distributed::messages {

/// Between the songs of core and those of proto/song.proto. What comes from another node is checked: the id
/// is that of title, artist and album, texts and lists keep to core's limits, hashes have their length.
/// kInvalidArgument says what does not fit.
void to_message(const core::Song& song, v1::Song& message);
core::Result<core::Song> song_from(const v1::Song& message);

void to_message(const core::SongRecord& record, v1::SongRecord& message);
/// Also checks that the chunks cover the size.
core::Result<core::SongRecord> record_from(const v1::SongRecord& message);

/// Ids in messages are their 32 bytes.
template <class Tag>
std::string bytes_of(const core::Id<Tag>& id) {
  return {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()};
}

template <class Id>
core::Result<Id> id_from(const std::string& bytes) {
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  const auto id = Id::from_bytes({data, bytes.size()});
  if (!id) return core::fail(core::Errc::kInvalidArgument, "an id in a message does not have 32 bytes");
  return *id;
}

}  // namespace kadenza::distributed::messages
