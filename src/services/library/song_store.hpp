// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/audio_stream.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/ids.hpp"
#include "core/music_library.hpp"
#include "core/planted_bugs.hpp"
#include "core/song.hpp"
#include "core/task.hpp"
#include "services/catalogue/row_version.hpp"

namespace kadenza::services::library {

/// What an upload turned out to be: its record without `first_stored`, and its cover.
struct ExaminedSong {
  core::SongRecord record;
  std::optional<core::Image> cover;
};

/// What is of a song after a node was asked to store it.
struct HeldSong {
  core::Song song;     ///< the record held; or, when the catalogue knows that one with other audio was stored
                       ///< before, that one, and nothing is held
  bool added = false;  ///< false: nothing changed
};

/// What to do with a record of the same song, but of other audio, that is there already.
enum class OnConflict : std::uint8_t {
  kKeep,   ///< it stays: a write never replaces a record
  kMerge,  ///< the one that wins_over() stays: after a partition, all nodes must end with the same
};

/// Whether the record that is there stays when `other` is to be stored.
inline bool stays(const core::Song& there, const core::Song& other, OnConflict on_conflict) {
  const bool keeps = on_conflict == OnConflict::kKeep || core::planted(core::PlantedBug::kLoserKept);
  return keeps || !catalogue::wins_over(other, there);
}

/// A song that this node is receiving, from a listener or from another node. Destroying it before commit()
/// leaves nothing behind. One owner and one call at a time, except read().
class IncomingSong {
 public:
  virtual ~IncomingSong() = default;

  virtual core::Task<core::Result<void>> write(std::span<const std::uint8_t> bytes,
                                               core::Deadline deadline) = 0;

  /// The same of whole chunks that the caller has found to be `chunks`, so that they are not hashed twice;
  /// only the song's last chunk may be shorter. All of a song is written either so or by write().
  virtual core::Task<core::Result<void>> write_verified(std::span<const std::uint8_t> bytes,
                                                        std::span<const core::Digest> chunks,
                                                        core::Deadline deadline) = 0;

  /// All bytes of an upload are there: checks the audio, reads tags and cover, computes the record. Ends the
  /// writing.
  virtual core::Task<core::Result<ExaminedSong>> examine(core::TagOverrides overrides,
                                                         core::Deadline deadline) = 0;

  /// Bytes received so far, for the nodes that copy them from here. Any number of calls at once, also beside
  /// and after commit(). kInvalidArgument when `range` lies outside.
  virtual core::Task<core::Result<std::vector<std::uint8_t>>> read(core::ByteRange range) const = 0;

  /// Makes this node a holder: checks that the bytes are the record's (kCorrupted), stores audio, cover and
  /// record durably (fsync), and adds the catalogue row. A record that loses against one with other audio
  /// leaves a tombstone, which keeps it from coming back (kConflict); its bytes stay for 24 h for streams
  /// under way. One that the catalogue knows to have lost is not stored. No write() afterwards.
  virtual core::Task<core::Result<HeldSong>> commit(core::SongRecord record, std::optional<core::Image> cover,
                                                    OnConflict on_conflict, core::Deadline deadline) = 0;
};

/// The songs that this node holds, as the distributed layer uses them: a real node's are files and SQLite,
/// a simulated one's are in memory. Thread-safe; calls resume on their caller's executor.
class SongStore {
 public:
  virtual ~SongStore() = default;

  enum class Purpose : std::uint8_t {
    kUpload,   ///< a listener's: it will be examined
    kReplica,  ///< another node's copy: its record is known
  };

  /// `expected_size` is set aside: kNoSpace when it does not fit, kTooLarge above the upload limit.
  virtual core::Task<core::Result<std::unique_ptr<IncomingSong>>> receive(
      std::optional<std::uint64_t> expected_size, Purpose purpose, core::Deadline deadline) = 0;

  /// kNotFound when this node does not hold the song.
  virtual core::Task<core::Result<std::shared_ptr<const core::SongRecord>>> record(core::SongId id) = 0;

  /// Verified bytes of a held song's audio. kNotFound; kInvalidArgument outside the file; kCorrupted when
  /// the disk gives something else than was stored.
  virtual core::Task<core::Result<std::vector<std::uint8_t>>> read(core::SongId id,
                                                                   core::ByteRange range) = 0;

  /// The cover as it was embedded. kNotFound when the song is not held or has none.
  virtual core::Task<core::Result<core::Image>> cover_of(core::SongId id) = 0;

  /// kUnavailable while they are not computed yet.
  virtual core::Task<core::Result<core::DerivedFacts>> facts_of(core::SongId id) = 0;

  /// The songs held, in ascending order of their ids; only those above `after`, when given. Fewer than
  /// `limit`: the end.
  virtual core::Task<core::Result<std::vector<core::Song>>> held(std::optional<core::SongId> after,
                                                                 std::size_t limit) = 0;

  /// Reads chunks [first, first + count) from the disk itself, whatever was found right before; beginning
  /// with the first one, the cover as well. kCorrupted when something else is there than was stored, or
  /// nothing: the watcher hears of it, too.
  virtual core::Task<core::Result<void>> verify(core::SongId id, std::uint64_t first,
                                                std::uint64_t count) = 0;

  /// Lets go of the song: durably, and its bytes. Its row in the catalogue stays. kNotFound when it is not
  /// here, or has other audio.
  virtual core::Task<core::Result<void>> remove(core::SongId id, core::Digest audio) = 0;

  /// Who wants to know what happens to the songs held; any of them may be empty. Called on any thread; must
  /// not block, nor call back.
  struct Watcher {
    std::function<void(const core::Song&)> stored;  ///< a record was added, or took another one's place
    std::function<void(core::SongId)> rotten;       ///< reading found that the disk lost bytes of the song
  };
  /// One at a time; an empty one ends the watching, and is not called any more afterwards.
  virtual void watch(Watcher watcher) = 0;

  virtual std::uint64_t used_bytes() const = 0;      ///< audio and covers; may wait for the first count
  virtual std::uint64_t capacity_bytes() const = 0;  ///< UINT64_MAX: as much as the disk holds
};

using catalogue::wins_over;

}  // namespace kadenza::services::library
