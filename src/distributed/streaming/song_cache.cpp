// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/streaming/song_cache.hpp"

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace kadenza::distributed::streaming {

CachedSong::CachedSong(SongCache& cache, std::shared_ptr<const core::SongRecord> record, core::UniqueFd file,
                       std::filesystem::path path)
    : cache_(cache),
      record_(std::move(record)),
      file_(std::make_shared<const core::UniqueFd>(std::move(file))),
      marks_(std::make_shared<services::library::ChunkMarks>(record_->chunks.size(), 0)),
      path_(std::move(path)) {}

CachedSong::~CachedSong() = default;

bool CachedSong::holds(core::ByteRange range) const {
  if (range.length == 0) return true;
  const auto last = (range.offset + range.length - 1) / core::kChunkBytes;
  for (auto chunk = range.offset / core::kChunkBytes; chunk <= last; ++chunk) {
    if (!marks_->test(chunk)) return false;
  }
  return true;
}

void CachedSong::put(std::uint64_t offset, std::span<const std::uint8_t> bytes) {
  const std::uint64_t size = bytes.size();
  if (holds({offset, size})) return;
  std::uint64_t written = 0;
  while (written < size) {
    const auto wrote =
        ::pwrite(file_->get(), bytes.data() + written, size - written, static_cast<off_t>(offset + written));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return;
    written += static_cast<std::uint64_t>(wrote);
  }
  const auto last = (offset + size - 1) / core::kChunkBytes;
  for (auto chunk = offset / core::kChunkBytes; chunk <= last; ++chunk) marks_->set(chunk);
  cache_.grown(*this, size);
}

core::Result<std::unique_ptr<SongCache>> SongCache::open(Options options) {
  std::error_code error;
  std::filesystem::remove_all(options.folder, error);
  std::filesystem::create_directories(options.folder, error);
  if (error) {
    return core::fail(core::Errc::kInternal, fmt::format("cannot create the folder {}: {}",
                                                         options.folder.string(), error.message()));
  }
  return std::unique_ptr<SongCache>(new SongCache(std::move(options)));
}

SongCache::~SongCache() = default;

std::shared_ptr<CachedSong> SongCache::find(const core::SongId& id) {
  const std::lock_guard lock(mutex_);
  const auto found = index_.find(id);
  if (found == index_.end()) return nullptr;
  songs_.splice(songs_.begin(), songs_, found->second);
  return *found->second;
}

std::shared_ptr<CachedSong> SongCache::entry(std::shared_ptr<const core::SongRecord> record) {
  if (auto there = find(record->song.id); there && there->record()->song.audio == record->song.audio) {
    return there;
  }
  const auto& song = record->song;
  auto path = options_.folder / song.audio.text();
  core::UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (file.get() < 0) return nullptr;
  const auto id = song.id;
  auto fresh = std::make_shared<CachedSong>(*this, std::move(record), std::move(file), std::move(path));
  const std::lock_guard lock(mutex_);
  if (const auto other = index_.find(id); other != index_.end()) {
    if ((*other->second)->record()->song.audio == fresh->record()->song.audio) return *other->second;
    evict(**other->second);
  }
  songs_.push_front(fresh);
  index_[id] = songs_.begin();
  return fresh;
}

void SongCache::grown(CachedSong& song, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  if (song.evicted_) return;
  song.bytes_ += bytes;
  used_ += bytes;
  while (used_ > options_.capacity_bytes) evict(*songs_.back());
}

void SongCache::evict(CachedSong& song) {
  std::error_code ignored;
  std::filesystem::remove(song.path_, ignored);
  used_ -= song.bytes_;
  song.evicted_ = true;
  const auto place = index_.find(song.record()->song.id);
  const auto keep = *place->second;  // the song may be the list's alone
  songs_.erase(place->second);
  index_.erase(place);
}

std::uint64_t SongCache::used_bytes() const {
  const std::lock_guard lock(mutex_);
  return used_;
}

}  // namespace kadenza::distributed::streaming
