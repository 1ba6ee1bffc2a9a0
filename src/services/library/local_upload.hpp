// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include "services/library/parts.hpp"
#include "services/library/song_store.hpp"
#include "services/media/early_probe.hpp"

namespace kadenza::services::library {

/// A song that a LocalLibrary, which must outlive it, is receiving: an upload of a library that is alone, or
/// what the distributed layer places.
class LocalUpload final : public core::Upload, public IncomingSong {
 public:
  /// `to_examine`: the size of what will be examined, to begin with that before all of it is there.
  LocalUpload(LocalLibrary::Parts& library, blobs::Staging staging, std::optional<std::uint64_t> to_examine)
      : library_(library),
        staging_(std::move(staging)),
        expected_size_(to_examine.value_or(0)),
        began_(library.options.clock->now()) {}

  core::Task<core::Result<void>> write(std::span<const std::uint8_t> bytes, core::Deadline deadline) override;
  core::Task<core::Result<void>> write_verified(std::span<const std::uint8_t> bytes,
                                                std::span<const core::Digest> chunks,
                                                core::Deadline deadline) override;
  core::Task<core::Result<core::UploadOutcome>> finish(core::TagOverrides overrides,
                                                       core::Deadline deadline) override;

  core::Task<core::Result<ExaminedSong>> examine(core::TagOverrides overrides,
                                                 core::Deadline deadline) override;
  core::Task<core::Result<std::vector<std::uint8_t>>> read(core::ByteRange range) const override;
  core::Task<core::Result<HeldSong>> commit(core::SongRecord record, std::optional<core::Image> cover,
                                            OnConflict on_conflict, core::Deadline deadline) override;

 private:
  core::Result<void> check_room(std::size_t added, core::Deadline deadline) const;
  /// Whether so little is left to arrive, at the speed so far, that an early probe is worth its place.
  bool is_nearly_whole() const;
  void probe_early();
  core::Task<core::Result<media::Probe>> probe(core::Deadline deadline);
  core::Result<HeldSong> store(const core::SongRecord& record, const std::optional<core::Image>& cover,
                               OnConflict on_conflict);
  core::Result<HeldSong> store_blobs_and_record(const core::SongRecord& record,
                                                const std::optional<core::Image>& cover,
                                                OnConflict on_conflict);
  core::Result<HeldSong> put(catalogue::Transaction& transaction, const core::SongRecord& record,
                             OnConflict on_conflict);
  core::Result<HeldSong> already_there(core::Song stored, const std::optional<core::Image>& cover);

  LocalLibrary::Parts& library_;
  blobs::Staging staging_;
  const std::uint64_t expected_size_;  ///< 0: not known, or nothing to examine
  const core::Instant began_;
  std::unique_ptr<media::EarlyProbe> early_probe_;
  std::shared_ptr<const core::UniqueFd> received_;  ///< once all bytes are there
};

}  // namespace kadenza::services::library
