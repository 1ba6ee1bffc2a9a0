// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <mutex>

#include "services/library/local_library.hpp"
#include "services/library/song_store.hpp"

namespace kadenza::services::library {

class LocalUpload;

/// The songs of a LocalLibrary, of which it is a part: files and SQLite.
class LocalSongStore final : public SongStore {
 public:
  explicit LocalSongStore(LocalLibrary::Parts& library) : library_(library) {}

  core::Task<core::Result<std::unique_ptr<LocalUpload>>> start(std::optional<std::uint64_t> expected_size,
                                                               Purpose purpose, core::Deadline deadline);

  core::Task<core::Result<std::unique_ptr<IncomingSong>>> receive(std::optional<std::uint64_t> expected_size,
                                                                  Purpose purpose,
                                                                  core::Deadline deadline) override;
  core::Task<core::Result<std::shared_ptr<const core::SongRecord>>> record(core::SongId id) override;
  core::Task<core::Result<std::vector<std::uint8_t>>> read(core::SongId id, core::ByteRange range) override;
  core::Task<core::Result<core::Image>> cover_of(core::SongId id) override;
  core::Task<core::Result<core::DerivedFacts>> facts_of(core::SongId id) override;
  core::Task<core::Result<std::vector<core::Song>>> held(std::optional<core::SongId> after,
                                                         std::size_t limit) override;
  core::Task<core::Result<void>> verify(core::SongId id, std::uint64_t first, std::uint64_t count) override;
  core::Task<core::Result<void>> remove(core::SongId id, core::Digest audio) override;
  void watch(Watcher watcher) override;
  std::uint64_t used_bytes() const override;
  std::uint64_t capacity_bytes() const override;

  /// Removes the bytes of records that were superseded long enough ago. Blocking; returns how many files.
  core::Result<std::size_t> remove_superseded();

  void note_stored(const core::Song& song);
  void note_rotten(const core::SongId& id);

 private:
  core::Result<void> remove_now(const core::SongId& id, const core::Digest& audio);
  core::Result<std::size_t> remove_unused(const std::vector<core::Digest>& blobs);
  core::Result<void> verify_now(const core::SongId& id, std::uint64_t first, std::uint64_t count);

  LocalLibrary::Parts& library_;
  std::mutex mutex_;  // guards the watcher, also while it is called
  Watcher watcher_;
};

}  // namespace kadenza::services::library
