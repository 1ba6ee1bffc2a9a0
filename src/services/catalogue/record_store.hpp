// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/error.hpp"
#include "core/ids.hpp"
#include "core/song.hpp"
#include "services/catalogue/database.hpp"

namespace kadenza::services::catalogue {

/// The records of the songs that this node holds: what is needed to serve and verify them. A record never
/// changes once stored. Thread-safe; calls block on the disk. `database` must outlive the store.
class RecordStore {
 public:
  explicit RecordStore(Database& database) : database_(database) {}

  /// Stores the record unless one with its id is there, which stays; returns the one that was there. The
  /// new song joins the queue of unanalysed() songs.
  core::Result<std::optional<core::SongRecord>> put_if_absent(Transaction& transaction,
                                                              const core::SongRecord& record);

  core::Result<std::optional<core::SongRecord>> get(core::SongId id) const;

  /// Whether any record refers to these audio bytes, or to this cover: a blob no record names may go.
  core::Result<bool> names_audio(core::Digest audio) const;
  core::Result<bool> names_cover(core::Digest cover) const;

  /// Takes the record out, if its audio is `loser`, and leaves a tombstone that names the winner's audio. The
  /// loser's blobs stay named until release_superseded().
  core::Result<void> supersede(Transaction& transaction, core::SongId id, core::Digest loser,
                               core::Digest winner, core::WallTime now);

  /// Takes the record out without a trace; returns the digests of the blobs that it named. kNotFound when
  /// there is none, or it has other audio.
  core::Result<std::vector<core::Digest>> remove(Transaction& transaction, core::SongId id,
                                                 core::Digest audio);

  /// The audio that superseded these bytes of this song, if they were.
  core::Result<std::optional<core::Digest>> superseded_by(Transaction& transaction, core::SongId id,
                                                          core::Digest audio) const;

  /// Stops naming the blobs of records superseded before `before`; returns the digests of what was named.
  core::Result<std::vector<core::Digest>> release_superseded(Transaction& transaction, core::WallTime before);

  /// Ids in ascending order from the partition whose first `prefix_bits` (0 … 256) are those of `prefix`;
  /// only ids above `after` when given. Fewer than `limit`: the end.
  core::Result<std::vector<core::SongId>> list(core::SongId prefix, unsigned prefix_bits,
                                               std::optional<core::SongId> after, std::size_t limit) const;

  /// The songs of the records in ascending order of ids, only those above `after` when given. Fewer than
  /// `limit`: the end.
  core::Result<std::vector<core::Song>> songs(std::optional<core::SongId> after, std::size_t limit) const;

  /// What was computed from the audio lies beside the record; storing it again replaces it, and takes the
  /// song out of the queue. kNotFound when no record has this id.
  core::Result<void> put_facts(Transaction& transaction, core::SongId id, const core::DerivedFacts& facts);
  core::Result<std::optional<core::DerivedFacts>> facts(core::SongId id) const;

  /// Songs without derived facts, oldest first. The queue is kept in the database and survives a restart.
  core::Result<std::vector<core::SongId>> unanalysed(std::size_t limit) const;

  struct Totals {
    std::uint64_t records = 0;
    std::uint64_t audio_bytes = 0;  ///< of the records' files, each file counted for every record naming it
  };
  core::Result<Totals> totals() const;

 private:
  Database& database_;
};

}  // namespace kadenza::services::catalogue
