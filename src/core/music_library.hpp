// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/audio_stream.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/ids.hpp"
#include "core/song.hpp"
#include "core/task.hpp"

namespace kadenza::core {

// ---- upload

/// What an uploader may say beside the file; a given value wins over the file's tag.
struct TagOverrides {
  std::optional<std::string> title, artist, album, album_artist;
  std::optional<std::uint16_t> track, disc, year;
  std::optional<std::vector<std::string>> genres;

  Tags apply_to(Tags tags) const;
};

struct UploadOutcome {
  Song song;               ///< the stored song: the new one, or the one that was there already
  bool added = false;      ///< false: title, artist and album were there already
  bool same_audio = true;  ///< false: they were there with other audio, which stays
  bool searchable = true;  ///< false: stored durably, but search will find it only later
};

/// An upload under way. Destroying it before finish() leaves nothing behind. One owner, one call at a time.
class Upload {
 public:
  virtual ~Upload() = default;
  virtual Task<Result<void>> write(std::span<const std::uint8_t> bytes, Deadline deadline) = 0;
  /// Reads the tags, checks the audio and stores the song durably.
  virtual Task<Result<UploadOutcome>> finish(TagOverrides overrides, Deadline deadline) = 0;
};

// ---- paging

/// Lists are read page by page; a cursor is opaque, and a page costs the same wherever it lies.
struct PageRequest {
  std::uint32_t limit = 50;  ///< 1 … kPageLimitMax
  std::string cursor;        ///< empty: from the start; otherwise `next` of the page before
};
inline constexpr std::uint32_t kPageLimitMax = 500;

template <class T>
struct Page {
  std::vector<T> items;
  std::string next;      ///< empty: this was the last page
  bool partial = false;  ///< some nodes did not answer; items may be missing
};

// ---- search

struct SearchRequest {
  std::string query;         ///< as typed: the last word counts as a prefix
  std::uint32_t songs = 20;  ///< how many of each at most; 0 = none of this kind
  std::uint32_t albums = 10;
  std::uint32_t artists = 10;
  std::string cursor;  ///< of songs; albums and artists come with the first page only
};
inline constexpr std::size_t kQueryBytesMax = 256;

/// Which field of a result matched, and where: byte ranges of its UTF-8 text.
struct Highlight {
  enum class Field : std::uint8_t { kTitle, kArtist, kAlbum };
  Field field = Field::kTitle;
  std::uint32_t offset = 0;
  std::uint32_t length = 0;

  friend bool operator==(const Highlight&, const Highlight&) = default;
};

/// One result. Scores are a pure function of query and row, so results of several nodes merge by (score,
/// id); a higher score is better.
template <class T>
struct Match {
  T item;
  std::uint64_t score = 0;
  std::vector<Highlight> highlights;  ///< for an album or artist, kTitle is its own name
};

struct SearchResults {
  std::vector<Match<Song>> songs;
  std::vector<Match<Album>> albums;
  std::vector<Match<Artist>> artists;
  std::string next;  ///< cursor of the next songs
  bool partial = false;
};

// ---- browse

struct AlbumListRequest {
  enum class Order : std::uint8_t { kNewest, kRandom, kTitle, kArtist, kYear };
  Order order = Order::kNewest;
  std::uint64_t seed = 0;            ///< for kRandom: the same seed gives the same order, page after page
  std::optional<std::string> genre;  ///< only albums with this genre
  std::uint16_t year_from = 0;       ///< for kYear: years from … to, descending when from > to; 0 = open
  std::uint16_t year_to = 0;
  PageRequest page;
};

struct SongListRequest {
  enum class Order : std::uint8_t { kNewest, kRandom, kTitle };
  Order order = Order::kNewest;
  std::uint64_t seed = 0;
  std::optional<std::string> genre;
  std::optional<ArtistId> artist;  ///< only songs by, or on albums of, this artist
  std::uint16_t year_from = 0;
  std::uint16_t year_to = 0;
  PageRequest page;
};

struct AlbumDetail {
  Album album;
  std::vector<Song> songs;  ///< by disc, track, title
  bool partial = false;
};

struct ArtistDetail {
  Artist artist;
  std::vector<Album> albums;      ///< listed under the artist, newest year first
  std::vector<Album> appears_on;  ///< others' albums with songs of the artist
  bool partial = false;
};

struct LibraryTotals {
  std::uint64_t songs = 0, albums = 0, artists = 0, genres = 0;
  std::uint64_t bytes = 0;  ///< of audio
  std::chrono::milliseconds duration{0};
};

struct Image {
  std::string content_type;
  std::vector<std::uint8_t> bytes;
};

/// What the Views call, and all that they know: the whole network's music, or one node's when the
/// Distributed layer is left out. Thread-safe, as long as each caller awaits on a strand of its own (or on a
/// single thread): a call may begin others there and wait for them. Every call ends by its deadline with
/// Errc::kDeadlineExceeded at the latest; unknown ids answer Errc::kNotFound.
class MusicLibrary {
 public:
  virtual ~MusicLibrary() = default;

  /// `expected_size`: bytes that will follow, when known; refused at once if they cannot be stored.
  virtual Task<Result<std::unique_ptr<Upload>>> start_upload(std::optional<std::uint64_t> expected_size,
                                                             Deadline deadline) = 0;

  virtual Task<Result<Song>> song(SongId id, Deadline deadline) = 0;
  /// The audio bytes of `range`, which must lie inside the file (Errc::kInvalidArgument).
  virtual Task<Result<std::unique_ptr<AudioStream>>> open(SongId id, ByteRange range, Deadline deadline) = 0;
  /// The song's cover, at most `pixels` wide and high (0 = as stored). kNotFound when it has none.
  virtual Task<Result<Image>> cover(SongId id, std::uint32_t pixels, Deadline deadline) = 0;
  /// kUnavailable while they are not computed yet.
  virtual Task<Result<DerivedFacts>> derived_facts(SongId id, Deadline deadline) = 0;

  virtual Task<Result<SearchResults>> search(SearchRequest request, Deadline deadline) = 0;

  virtual Task<Result<Page<Song>>> songs(SongListRequest request, Deadline deadline) = 0;
  virtual Task<Result<Page<Album>>> albums(AlbumListRequest request, Deadline deadline) = 0;
  virtual Task<Result<AlbumDetail>> album(AlbumId id, Deadline deadline) = 0;
  virtual Task<Result<Page<Artist>>> artists(PageRequest page, Deadline deadline) = 0;  ///< by name
  virtual Task<Result<ArtistDetail>> artist(ArtistId id, Deadline deadline) = 0;
  virtual Task<Result<Page<Genre>>> genres(PageRequest page, Deadline deadline) = 0;  ///< by name
  virtual Task<Result<LibraryTotals>> totals(Deadline deadline) = 0;
};

}  // namespace kadenza::core
