// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/clock.hpp"
#include "core/timers.hpp"
#include "services/library/song_store.hpp"

namespace kadenza::sim {

/// An audio file as MemorySongStore understands it: title, artist, album and cover (may be empty), each ended
/// by a zero byte, then anything: here `noise_bytes` that differ with `version`.
std::vector<std::uint8_t> pretended_audio(std::string_view title, std::string_view artist,
                                          std::string_view album, std::uint64_t version = 0,
                                          std::size_t noise_bytes = 100'000, std::string_view cover = {});

/// SHA-256 of each chunk, as a SongRecord has them.
std::vector<core::Digest> chunk_hashes(std::span<const std::uint8_t> audio);

/// The disk of a simulated node: what is on it survives the process. What was synced is there; of what was
/// being synced when the power went, a commit is there whole or not at all, as the files and the database of
/// production see to.
class MemoryDisk {
 public:
  std::uint64_t capacity = UINT64_MAX;                 ///< bytes of audio and covers
  std::uint64_t upload_limit = UINT64_MAX;             ///< bytes of one file
  core::Duration sync = std::chrono::milliseconds(5);  ///< how long a commit takes to be durable
  /// Hear of every record that was added and of every song that was let go; may be empty.
  std::function<void(const core::Song&)> on_stored, on_removed;
  /// The song's row in the catalogue that lies on the same disk; empty: there is no catalogue.
  std::function<std::optional<core::Song>(const core::SongId&)> row_of;

  /// Decides of a commit that the power cut whether it is on the disk; empty: none ever is.
  std::function<bool()> landed;

  /// A commit that is being synced. It lands by `land`, when the power goes before the end of this object and
  /// `landed` says so.
  class Syncing {
   public:
    Syncing(MemoryDisk& disk, std::function<void()> land) : disk_(disk), ticket_(disk.next_ticket_++) {
      disk_.syncing_.emplace(ticket_, std::move(land));
    }
    ~Syncing() { disk_.syncing_.erase(ticket_); }
    Syncing(const Syncing&) = delete;
    Syncing& operator=(const Syncing&) = delete;

   private:
    MemoryDisk& disk_;
    const std::uint64_t ticket_;
  };

  bool is_syncing() const { return !syncing_.empty(); }

  /// Power goes. What processes of before still do to it fails.
  void crash();
  /// A new disk takes its place.
  void replace() {
    crash();
    held_.clear();
    used_ = 0;
    gave_way_.clear();
  }

  bool holds(const core::SongId& id) const { return held_.contains(id); }
  std::size_t songs() const { return held_.size(); }
  /// Null when it is not held.
  const core::SongRecord* record(const core::SongId& id) const;
  const std::vector<std::uint8_t>* audio(const core::SongId& id) const;
  /// Whether a record of the song with this audio was superseded here.
  bool gave_way(const core::SongId& id, const core::Digest& audio) const {
    return gave_way_.contains({id, audio});
  }
  /// Whether it is held as it was stored.
  bool intact(const core::SongId& id) const;
  std::vector<core::SongId> ids() const;
  std::uint64_t used_bytes() const { return used_; }

  /// It is there from the beginning. `audio` is what `record` says; several songs may share it.
  void place(std::shared_ptr<const core::SongRecord> record,
             std::shared_ptr<const std::vector<std::uint8_t>> audio);

  /// Flips a bit of the song's audio: reads of that chunk find it corrupted.
  void rot(const core::SongId& id, std::uint64_t offset);

 private:
  friend class MemorySongStore;
  friend class MemoryIncomingSong;

  struct Held {
    std::uint64_t bytes() const;

    std::shared_ptr<const core::SongRecord> record;
    std::shared_ptr<const std::vector<std::uint8_t>> audio;
    std::optional<core::Image> cover;
    bool rotten = false;
  };

  void keep(Held held);
  void drop(const core::SongId& id);
  bool fits(std::uint64_t more) const;

  std::uint64_t incarnation_ = 0;
  std::uint64_t next_ticket_ = 0;
  std::map<std::uint64_t, std::function<void()>> syncing_;  ///< by ticket: how it lands
  std::uint64_t staged_ = 0;                                ///< set aside for what is being received
  std::map<core::SongId, Held> held_;
  std::uint64_t used_ = 0;                                                  ///< by what is held
  std::map<std::pair<core::SongId, core::Digest>, core::Digest> gave_way_;  ///< to whose audio
};

/// The songs of one simulated process, on its disk; both outlive what the process receives. Single-threaded.
class MemorySongStore final : public services::library::SongStore {
 public:
  MemorySongStore(MemoryDisk& disk, const core::Clock& clock, core::Timers& timers)
      : disk_(disk), incarnation_(disk.incarnation_), clock_(clock), timers_(timers) {}

  core::Task<core::Result<std::unique_ptr<services::library::IncomingSong>>> receive(
      std::optional<std::uint64_t> expected_size, Purpose purpose, core::Deadline deadline) override;
  core::Task<core::Result<std::shared_ptr<const core::SongRecord>>> record(core::SongId id) override;
  core::Task<core::Result<std::vector<std::uint8_t>>> read(core::SongId id, core::ByteRange range) override;
  core::Task<core::Result<core::Image>> cover_of(core::SongId id) override;
  core::Task<core::Result<core::DerivedFacts>> facts_of(core::SongId id) override;
  core::Task<core::Result<std::vector<core::Song>>> held(std::optional<core::SongId> after,
                                                         std::size_t limit) override;
  core::Task<core::Result<void>> verify(core::SongId id, std::uint64_t first, std::uint64_t count) override;
  core::Task<core::Result<void>> remove(core::SongId id, core::Digest audio) override;
  void watch(Watcher watcher) override { watcher_ = std::move(watcher); }
  std::uint64_t used_bytes() const override { return disk_.used_bytes(); }
  std::uint64_t capacity_bytes() const override { return disk_.capacity; }

  std::uint64_t receiving = 0;  ///< songs that are received now

 private:
  friend class MemoryIncomingSong;

  /// kUnavailable once the process that this store belongs to has crashed.
  core::Result<void> alive() const;
  core::Result<const MemoryDisk::Held*> find(const core::SongId& id) const;
  /// Whether the chunks are what was stored; tells the watcher when they are not.
  core::Result<void> check(const core::SongId& id, std::uint64_t first, std::uint64_t count);

  MemoryDisk& disk_;
  const std::uint64_t incarnation_;
  const core::Clock& clock_;
  core::Timers& timers_;
  Watcher watcher_;
};

}  // namespace kadenza::sim
