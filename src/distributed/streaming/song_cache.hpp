// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <unordered_map>

#include "core/audio_stream.hpp"
#include "core/error.hpp"
#include "core/ids.hpp"
#include "core/song.hpp"
#include "core/unique_fd.hpp"
#include "services/library/verified_chunks.hpp"

namespace kadenza::distributed::streaming {

class SongCache;

/// A song of which some chunks lie in the cache, every one of them verified before it came there. Shared by
/// the cache and the streams that read it; what was evicted stays readable for them. Thread-safe; put() and
/// read() block on the disk.
class CachedSong {
 public:
  CachedSong(SongCache& cache, std::shared_ptr<const core::SongRecord> record, core::UniqueFd file,
             std::filesystem::path path);
  ~CachedSong();

  const std::shared_ptr<const core::SongRecord>& record() const noexcept { return record_; }
  const std::shared_ptr<const core::UniqueFd>& file() const noexcept { return file_; }
  /// Which chunks are there.
  const std::shared_ptr<services::library::ChunkMarks>& marks() const noexcept { return marks_; }
  bool holds(core::ByteRange range) const;

  /// Verified bytes that begin at a chunk's first byte and end at a chunk's, or the song's, last. A failing
  /// disk only means that they are not cached.
  void put(std::uint64_t offset, std::span<const std::uint8_t> bytes);

 private:
  friend class SongCache;

  SongCache& cache_;
  const std::shared_ptr<const core::SongRecord> record_;
  const std::shared_ptr<const core::UniqueFd> file_;
  const std::shared_ptr<services::library::ChunkMarks> marks_;
  const std::filesystem::path path_;
  std::uint64_t bytes_ = 0;  // guarded by the cache's mutex
  bool evicted_ = false;     // likewise
};

/// The songs that were played through this node lately and are not stored here, least recently used out
/// first. Files of one folder, whose content does not outlive the process: it is a copy of what others store.
/// Thread-safe. Outlives its songs.
class SongCache {
 public:
  struct Options {
    std::filesystem::path folder;  ///< its content is removed
    std::uint64_t capacity_bytes = 1 << 30;
  };
  static core::Result<std::unique_ptr<SongCache>> open(Options options);
  ~SongCache();

  /// Null when nothing of the song is cached.
  std::shared_ptr<CachedSong> find(const core::SongId& id);
  /// Makes an empty entry when there is none with these bytes. Null when the disk cannot have it.
  std::shared_ptr<CachedSong> entry(std::shared_ptr<const core::SongRecord> record);

  std::uint64_t used_bytes() const;

 private:
  friend class CachedSong;
  explicit SongCache(Options options) : options_(std::move(options)) {}
  void grown(CachedSong& song, std::uint64_t bytes);
  void evict(CachedSong& song);

  const Options options_;
  mutable std::mutex mutex_;  // guards all below, and the songs' counts; never held while bytes are written
  std::uint64_t used_ = 0;
  std::list<std::shared_ptr<CachedSong>> songs_;  // most recently used first
  std::unordered_map<core::SongId, std::list<std::shared_ptr<CachedSong>>::iterator> index_;
};

}  // namespace kadenza::distributed::streaming
