// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "core/music_library.hpp"

namespace kadenza::services::documents {
class DocumentStore;
}

namespace kadenza::services::library {

class SongStore;
class RowStore;

/// One node's own library: catalogue, search index, blobs and media worker as one core::MusicLibrary.
/// Thread-safe. Whatever may block runs on `blocking`; calls resume on their caller's executor. Stored
/// records are durable when an upload is acknowledged; search follows within a second, loudness and waveform
/// as the machine has time.
class LocalLibrary final : public core::MusicLibrary {
 public:
  struct Options {
    std::filesystem::path data;               ///< created when missing; one process at a time
    std::uint64_t capacity = UINT64_MAX;      ///< bytes of audio and covers
    std::uint64_t upload_limit = UINT64_MAX;  ///< bytes of one file
    std::filesystem::path media_program;      ///< kadenza-media
    boost::asio::any_io_executor io;          ///< for background coroutines; run until stop() has answered
    boost::asio::any_io_executor blocking;    ///< a pool that may block
    const core::Clock* clock = nullptr;
  };

  /// Opens the library and starts what runs beside the calls: indexing, analysis, removal of left-overs.
  static core::Result<std::unique_ptr<LocalLibrary>> open(Options options);
  ~LocalLibrary() override;

  /// cover() for the picture `cover`, which `original` fetches unless it is known in this size already:
  /// scaled here, and remembered.
  core::Task<core::Result<core::Image>> scaled_cover(
      core::Digest cover, std::uint32_t pixels, core::Deadline deadline,
      std::function<core::Task<core::Result<core::Image>>()> original);

  /// The same songs, as the distributed layer stores and reads them. Lives as long as the library.
  SongStore& songs();

  /// The catalogue as other nodes exchange it with this one. It may have rows of songs that are held
  /// elsewhere: open(), cover() and derived_facts() answer kNotFound for those.
  RowStore& rows();

  /// Listeners' documents that this node keeps. Lives as long as the library.
  documents::DocumentStore& documents();

  /// Ends the background work; calls under way must have ended before.
  core::Task<void> stop();

  core::Task<core::Result<std::unique_ptr<core::Upload>>> start_upload(
      std::optional<std::uint64_t> expected_size, core::Deadline deadline) override;
  core::Task<core::Result<core::Song>> song(core::SongId id, core::Deadline deadline) override;
  core::Task<core::Result<std::unique_ptr<core::AudioStream>>> open(core::SongId id, core::ByteRange range,
                                                                    core::Deadline deadline) override;
  core::Task<core::Result<core::Image>> cover(core::SongId id, std::uint32_t pixels,
                                              core::Deadline deadline) override;
  core::Task<core::Result<core::DerivedFacts>> derived_facts(core::SongId id,
                                                             core::Deadline deadline) override;
  core::Task<core::Result<core::SearchResults>> search(core::SearchRequest request,
                                                       core::Deadline deadline) override;
  core::Task<core::Result<core::Page<core::Song>>> songs(core::SongListRequest request,
                                                         core::Deadline deadline) override;
  core::Task<core::Result<core::Page<core::Album>>> albums(core::AlbumListRequest request,
                                                           core::Deadline deadline) override;
  core::Task<core::Result<core::AlbumDetail>> album(core::AlbumId id, core::Deadline deadline) override;
  core::Task<core::Result<core::Page<core::Artist>>> artists(core::PageRequest page,
                                                             core::Deadline deadline) override;
  core::Task<core::Result<core::ArtistDetail>> artist(core::ArtistId id, core::Deadline deadline) override;
  core::Task<core::Result<core::Page<core::Genre>>> genres(core::PageRequest page,
                                                           core::Deadline deadline) override;
  core::Task<core::Result<core::LibraryTotals>> totals(core::Deadline deadline) override;

 private:
  friend class LocalSongStore;
  friend class LocalUpload;
  struct Parts;
  explicit LocalLibrary(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace kadenza::services::library
