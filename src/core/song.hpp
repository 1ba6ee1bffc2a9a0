// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/ids.hpp"

namespace kadenza::core {

/// Audio formats that a node accepts, named by container and codec. Values are stored; never renumber.
enum class AudioFormat : std::uint8_t {
  kMp3 = 1,
  kFlac = 2,
  kVorbis = 3,
  kOpus = 4,
  kAac = 5,
  kAlac = 6,
  kWav = 7,
  kAiff = 8,
};
std::string_view to_string(AudioFormat format) noexcept;  ///< "mp3", "flac", "vorbis", …
std::optional<AudioFormat> parse_audio_format(std::string_view name) noexcept;
std::string_view content_type(AudioFormat format) noexcept;    ///< "audio/mpeg", …
std::string_view file_extension(AudioFormat format) noexcept;  ///< "mp3", "flac", "ogg", "opus", "m4a", …

/// What a file's tags say. Strings are UTF-8; zero and empty mean "not given".
struct Tags {
  std::string title;
  std::string artist;
  std::string album;
  std::string album_artist;
  std::uint16_t track = 0;
  std::uint16_t track_total = 0;
  std::uint16_t disc = 0;
  std::uint16_t disc_total = 0;
  std::uint16_t year = 0;
  std::vector<std::string> genres;
  std::vector<std::string> composers;
  std::uint16_t bpm = 0;
  std::string isrc;
  std::string musicbrainz_recording;
  bool compilation = false;

  /// The artist under whom the album is listed: the album artist, "Various Artists" for a compilation
  /// without one, else the song's artist.
  std::string_view listed_artist() const noexcept;

  friend bool operator==(const Tags&, const Tags&) = default;
};

/// What the audio stream is. Duration in milliseconds, rates in Hz and bit/s.
struct AudioProperties {
  AudioFormat format = AudioFormat::kMp3;
  std::chrono::milliseconds duration{0};
  std::uint32_t bit_rate = 0;
  std::uint32_t sample_rate = 0;
  std::uint8_t channels = 0;
  std::uint8_t bits_per_sample = 0;  ///< 0 for lossy formats

  friend bool operator==(const AudioProperties&, const AudioProperties&) = default;
};

/// A song as everyone sees it. Immutable once stored.
struct Song {
  SongId id;
  Tags tags;
  AudioProperties properties;
  std::uint64_t size = 0;       ///< of the audio file, bytes
  Digest audio;                 ///< SHA-256 of the audio file
  std::optional<Digest> cover;  ///< SHA-256 of the embedded picture
  WallTime first_stored{};      ///< stamped by the first holder, never by a client

  std::optional<AlbumId> album_id() const;  ///< none when the song has no album
  ArtistId artist_id() const;               ///< of tags.artist
  ArtistId listed_artist_id() const;        ///< of tags.listed_artist()

  friend bool operator==(const Song&, const Song&) = default;
};

/// Bytes of one verified piece of audio; the last chunk of a file may be shorter.
inline constexpr std::uint32_t kChunkBytes = 64 * 1024;

/// What a holder stores for a song: all that is needed to serve and verify it.
struct SongRecord {
  Song song;
  std::vector<Digest> chunks;  ///< SHA-256 of every kChunkBytes of the audio file, in order

  friend bool operator==(const SongRecord&, const SongRecord&) = default;
};

/// EBU R128 / ITU-R BS.1770 loudness and the ReplayGain 2.0 gain that follows from it.
struct Loudness {
  double integrated_lufs = 0;
  double true_peak = 0;  ///< linear, 1.0 = full scale
  double range_lu = 0;

  /// ReplayGain 2.0: dB to reach −18 LUFS.
  double track_gain_db() const noexcept { return -18.0 - integrated_lufs; }

  friend bool operator==(const Loudness&, const Loudness&) = default;
};

/// Peaks for drawing a song: kWaveformPoints values over its whole length, 0…255.
inline constexpr std::size_t kWaveformPoints = 800;

/// What is computed from the audio after it was stored; it may differ between library versions and so lies
/// beside the record.
struct DerivedFacts {
  std::optional<Loudness> loudness;    ///< none for silence
  std::vector<std::uint8_t> waveform;  ///< empty or kWaveformPoints values
  std::optional<std::string> damaged;  ///< why the whole of the audio does not decode

  friend bool operator==(const DerivedFacts&, const DerivedFacts&) = default;
};

struct Album {
  AlbumId id;
  std::string title;
  std::string artist;  ///< the listed artist
  ArtistId artist_id;
  std::uint16_t year = 0;
  std::vector<std::string> genres;
  std::uint32_t song_count = 0;
  std::chrono::milliseconds duration{0};
  std::optional<SongId> cover_song;  ///< a song of the album that carries a cover
  WallTime newest{};                 ///< when its newest song was first stored

  friend bool operator==(const Album&, const Album&) = default;
};

struct Artist {
  ArtistId id;
  std::string name;
  std::uint32_t album_count = 0;  ///< albums listed under the artist
  std::uint32_t song_count = 0;   ///< songs by, or on albums of, the artist
  std::optional<SongId> cover_song;

  friend bool operator==(const Artist&, const Artist&) = default;
};

struct Genre {
  std::string name;
  std::uint32_t song_count = 0;
  std::uint32_t album_count = 0;

  friend bool operator==(const Genre&, const Genre&) = default;
};

/// Checks and completes what an uploaded file's tags must have: trims, bounds lengths and counts, and says
/// what is missing (Errc::kMissingTags).
Result<Tags> checked_tags(Tags tags);

inline constexpr std::size_t kTagTextBytesMax = 1024;  ///< longer tag texts are cut at a character boundary
inline constexpr std::size_t kTagListMax = 16;         ///< genres, composers

}  // namespace kadenza::core
