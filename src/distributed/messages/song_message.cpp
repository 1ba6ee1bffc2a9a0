// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/messages/song_message.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "core/identity.hpp"
#include "song.pb.h"

namespace kadenza::distributed::messages {
namespace {

using core::Errc;
using core::Result;

/// Longer than any song; bounds what a record of chunks may weigh.
constexpr std::uint64_t kSongBytesMax = std::uint64_t{4} << 30;

constexpr auto kFormatMax = static_cast<std::uint32_t>(core::AudioFormat::kAiff);

template <class T>
bool narrow(std::uint64_t value, T& out) {
  out = static_cast<T>(value);
  return value <= std::numeric_limits<T>::max();
}

bool fits(const std::string& text) {
  return text.size() <= core::kTagTextBytesMax;
}

template <class List>
bool list_from(const List& message, std::vector<std::string>& out) {
  out.assign(message.begin(), message.end());
  return out.size() <= core::kTagListMax && std::ranges::all_of(out, fits);
}

bool tags_from(const v1::Song& message, core::Tags& tags) {
  tags.title = message.title();
  tags.artist = message.artist();
  tags.album = message.album();
  tags.album_artist = message.album_artist();
  tags.isrc = message.isrc();
  tags.musicbrainz_recording = message.musicbrainz_recording();
  tags.compilation = message.compilation();
  return fits(tags.title) && fits(tags.artist) && fits(tags.album) && fits(tags.album_artist) &&
         fits(tags.isrc) && fits(tags.musicbrainz_recording) && !tags.title.empty() && !tags.artist.empty() &&
         list_from(message.genres(), tags.genres) && list_from(message.composers(), tags.composers) &&
         narrow(message.track(), tags.track) && narrow(message.track_total(), tags.track_total) &&
         narrow(message.disc(), tags.disc) && narrow(message.disc_total(), tags.disc_total) &&
         narrow(message.year(), tags.year) && narrow(message.bpm(), tags.bpm);
}

bool properties_from(const v1::Song& message, core::AudioProperties& properties) {
  properties.format = static_cast<core::AudioFormat>(message.format());
  properties.duration = std::chrono::milliseconds(message.duration_ms());
  properties.bit_rate = message.bit_rate();
  properties.sample_rate = message.sample_rate();
  return message.format() >= 1 && message.format() <= kFormatMax &&
         message.duration_ms() <= std::numeric_limits<std::uint32_t>::max() &&
         narrow(message.channels(), properties.channels) &&
         narrow(message.bits_per_sample(), properties.bits_per_sample);
}

}  // namespace

void to_message(const core::Song& song, v1::Song& message) {
  const auto& tags = song.tags;
  message.set_id(bytes_of(song.id));
  message.set_title(tags.title);
  message.set_artist(tags.artist);
  message.set_album(tags.album);
  message.set_album_artist(tags.album_artist);
  message.set_track(tags.track);
  message.set_track_total(tags.track_total);
  message.set_disc(tags.disc);
  message.set_disc_total(tags.disc_total);
  message.set_year(tags.year);
  message.mutable_genres()->Assign(tags.genres.begin(), tags.genres.end());
  message.mutable_composers()->Assign(tags.composers.begin(), tags.composers.end());
  message.set_bpm(tags.bpm);
  message.set_isrc(tags.isrc);
  message.set_musicbrainz_recording(tags.musicbrainz_recording);
  message.set_compilation(tags.compilation);

  const auto& properties = song.properties;
  message.set_format(static_cast<std::uint32_t>(properties.format));
  message.set_duration_ms(static_cast<std::uint64_t>(properties.duration.count()));
  message.set_bit_rate(properties.bit_rate);
  message.set_sample_rate(properties.sample_rate);
  message.set_channels(properties.channels);
  message.set_bits_per_sample(properties.bits_per_sample);

  message.set_size(song.size);
  message.set_audio(bytes_of(song.audio));
  if (song.cover) message.set_cover(bytes_of(*song.cover));
  message.set_first_stored_ms(static_cast<std::uint64_t>(song.first_stored.time_since_epoch().count()));
}

Result<core::Song> song_from(const v1::Song& message) {
  core::Song song;
  KADENZA_TRY(song.id, id_from<core::SongId>(message.id()));
  KADENZA_TRY(song.audio, id_from<core::Digest>(message.audio()));
  if (!message.cover().empty()) {
    KADENZA_TRY(song.cover, id_from<core::Digest>(message.cover()));
  }
  if (!tags_from(message, song.tags)) {
    return core::fail(Errc::kInvalidArgument, "a song's tags in a message are missing or over their limits");
  }
  if (!properties_from(message, song.properties)) {
    return core::fail(Errc::kInvalidArgument, "a song's audio properties in a message are out of range");
  }
  if (song.id != core::song_id(song.tags.title, song.tags.artist, song.tags.album)) {
    return core::fail(Errc::kInvalidArgument,
                      "a song's id in a message is not that of its title, artist, album");
  }
  song.size = message.size();
  if (song.size == 0 || song.size > kSongBytesMax) {
    return core::fail(Errc::kInvalidArgument, "a song's size in a message is out of range");
  }
  if (message.first_stored_ms() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max() / 2)) {
    return core::fail(Errc::kInvalidArgument, "a song's time in a message is out of range");
  }
  song.first_stored =
      core::WallTime(std::chrono::milliseconds(static_cast<std::int64_t>(message.first_stored_ms())));
  return song;
}

void to_message(const core::SongRecord& record, v1::SongRecord& message) {
  to_message(record.song, *message.mutable_song());
  auto& chunks = *message.mutable_chunks();
  chunks.reserve(record.chunks.size() * core::Digest::kBytes);
  for (const auto& chunk : record.chunks) chunks += bytes_of(chunk);
}

Result<core::SongRecord> record_from(const v1::SongRecord& message) {
  core::SongRecord record;
  KADENZA_TRY(record.song, song_from(message.song()));
  const auto count = (record.song.size + core::kChunkBytes - 1) / core::kChunkBytes;
  const auto& chunks = message.chunks();
  if (chunks.size() != count * core::Digest::kBytes) {
    return core::fail(Errc::kInvalidArgument, "a record's chunk hashes do not cover the song");
  }
  record.chunks.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    std::memcpy(record.chunks[i].bytes.data(), chunks.data() + i * core::Digest::kBytes,
                core::Digest::kBytes);
  }
  return record;
}

}  // namespace kadenza::distributed::messages
