// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/library/local_song_store.hpp"

#include <chrono>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>

#include "core/blocking.hpp"
#include "services/library/image_type.hpp"
#include "services/library/local_upload.hpp"
#include "services/library/parts.hpp"

namespace kadenza::services::library {

using core::Errc;
using core::Result;

namespace {

constexpr std::uint64_t kCoverBytesMax = 32 << 20;
/// How long the bytes of a superseded record stay for streams under way.
constexpr auto kSupersededKept = std::chrono::hours(24);

}  // namespace

core::Task<Result<std::unique_ptr<LocalUpload>>> LocalSongStore::start(
    std::optional<std::uint64_t> expected_size, Purpose purpose, core::Deadline deadline) {
  auto work = [this, expected_size, purpose, deadline]() -> Result<std::unique_ptr<LocalUpload>> {
    KADENZA_TRY_VOID(library_.in_time(deadline));
    const auto limit = library_.options.upload_limit;
    if (expected_size.value_or(0) > limit) {
      return core::fail(Errc::kTooLarge, fmt::format("the file has {} bytes; this node takes at most {}",
                                                     *expected_size, limit));
    }
    KADENZA_TRY(auto staging, library_.blobs.stage(expected_size));
    const auto to_examine = purpose == Purpose::kUpload ? expected_size : std::nullopt;
    return std::make_unique<LocalUpload>(library_, std::move(staging), to_examine);
  };
  co_return co_await core::run_on(library_.options.blocking, std::move(work));
}

core::Task<Result<std::unique_ptr<IncomingSong>>> LocalSongStore::receive(
    std::optional<std::uint64_t> expected_size, Purpose purpose, core::Deadline deadline) {
  auto upload = co_await start(expected_size, purpose, deadline);
  if (!upload) co_return std::unexpected(std::move(upload).error());
  co_return std::move(*upload);
}

core::Task<Result<std::shared_ptr<const core::SongRecord>>> LocalSongStore::record(core::SongId id) {
  if (auto cached = library_.cached_record(id)) co_return cached;
  auto work = [this, id] { return library_.record(id); };
  co_return co_await core::run_on(library_.options.blocking, std::move(work));
}

core::Task<Result<std::vector<std::uint8_t>>> LocalSongStore::read(core::SongId id, core::ByteRange range) {
  auto stream = co_await library_.open(id, range);
  if (!stream) co_return std::unexpected(std::move(stream).error());
  std::vector<std::uint8_t> bytes(range.length);
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    const auto rest = std::span(bytes).subspan(filled);
    const auto got = co_await (*stream)->read(rest, core::Deadline::max());
    if (!got) co_return std::unexpected(got.error());
    if (*got == 0) co_return core::fail(Errc::kCorrupted, "the audio file is too short");
    filled += *got;
  }
  co_return bytes;
}

core::Task<Result<core::Image>> LocalSongStore::cover_of(core::SongId id) {
  auto work = [this, id]() -> Result<core::Image> {
    KADENZA_TRY(const auto record, library_.record(id));
    if (!record->song.cover) return core::fail(Errc::kNotFound, "this song has no cover");
    core::Image image;
    KADENZA_TRY(image.bytes, library_.blobs.read_all(*record->song.cover, kCoverBytesMax));
    image.content_type = image_content_type(image.bytes);
    return image;
  };
  co_return co_await core::run_on(library_.options.blocking, std::move(work));
}

core::Task<Result<core::DerivedFacts>> LocalSongStore::facts_of(core::SongId id) {
  auto work = [this, id]() -> Result<core::DerivedFacts> {
    KADENZA_TRY(const auto record, library_.record(id));
    KADENZA_TRY(auto facts, library_.records.facts(id));
    if (!facts) {
      return core::fail(Errc::kUnavailable, "loudness and waveform are not computed yet; ask again soon");
    }
    return std::move(*facts);
  };
  co_return co_await core::run_on(library_.options.blocking, std::move(work));
}

core::Task<Result<std::vector<core::Song>>> LocalSongStore::held(std::optional<core::SongId> after,
                                                                 std::size_t limit) {
  auto work = [this, after, limit] { return library_.records.songs(after, limit); };
  co_return co_await core::run_on(library_.options.blocking, std::move(work));
}

core::Task<Result<void>> LocalSongStore::verify(core::SongId id, std::uint64_t first, std::uint64_t count) {
  auto work = [this, id, first, count] {
    auto verified = verify_now(id, first, count);
    if (!verified && verified.error().code == Errc::kCorrupted) note_rotten(id);
    return verified;
  };
  co_return co_await core::run_on(library_.options.blocking, std::move(work));
}

Result<void> LocalSongStore::verify_now(const core::SongId& id, std::uint64_t first, std::uint64_t count) {
  KADENZA_TRY(const auto record, library_.record(id));
  const auto there = [](auto read) {
    if (!read && read.error().code == Errc::kNotFound) read.error().code = Errc::kCorrupted;
    return read;
  };
  KADENZA_TRY(const auto blob, there(library_.blobs.open_blob(record->song.audio)));
  const auto end = std::min<std::uint64_t>(record->chunks.size(), first + count);
  // What the machine's memory still has says nothing about the disk.
  (void)::posix_fadvise(blob.get(), static_cast<off_t>(first * core::kChunkBytes),
                        static_cast<off_t>(count * core::kChunkBytes), POSIX_FADV_DONTNEED);
  std::vector<std::uint8_t> scratch(core::kChunkBytes);
  for (auto chunk = first; chunk < end; ++chunk) {
    KADENZA_TRY_VOID(blobs::read_verified_chunk(blob.get(), chunk, record->chunks[chunk], scratch));
  }
  if (first == 0 && record->song.cover) {
    KADENZA_TRY_VOID(there(library_.blobs.read_all(*record->song.cover, kCoverBytesMax)));
  }
  return {};
}

void LocalSongStore::watch(Watcher watcher) {
  const std::lock_guard lock(mutex_);
  watcher_ = std::move(watcher);
}

void LocalSongStore::note_stored(const core::Song& song) {
  const std::lock_guard lock(mutex_);
  if (watcher_.stored) watcher_.stored(song);
}

void LocalSongStore::note_rotten(const core::SongId& id) {
  const std::lock_guard lock(mutex_);
  if (watcher_.rotten) watcher_.rotten(id);
}

Result<std::size_t> LocalSongStore::remove_superseded() {
  std::vector<core::Digest> released;
  KADENZA_TRY_VOID(library_.database->write([&](catalogue::Transaction& transaction) -> Result<void> {
    KADENZA_TRY(released, library_.records.release_superseded(
                              transaction, library_.options.clock->wall_now() - kSupersededKept));
    return {};
  }));
  return remove_unused(released);
}

core::Task<Result<void>> LocalSongStore::remove(core::SongId id, core::Digest audio) {
  auto work = [this, id, audio] { return remove_now(id, audio); };
  co_return co_await core::run_on(library_.options.blocking, std::move(work));
}

Result<void> LocalSongStore::remove_now(const core::SongId& id, const core::Digest& audio) {
  std::vector<core::Digest> released;
  KADENZA_TRY_VOID(library_.database->write([&](catalogue::Transaction& transaction) -> Result<void> {
    KADENZA_TRY(released, library_.records.remove(transaction, id, audio));
    return {};
  }));
  library_.record_cache.erase(id);
  for (const auto& digest : released) library_.open_blobs.erase(digest);
  // A failure here leaves orphans, which the next start removes.
  (void)remove_unused(released);
  return {};
}

Result<std::size_t> LocalSongStore::remove_unused(const std::vector<core::Digest>& blobs) {
  std::size_t removed = 0;
  for (const auto& digest : blobs) {
    const auto gone = library_.references.remove_if_unused(digest);
    if (!gone && gone.error().code != Errc::kNotFound) return std::unexpected(gone.error());
    removed += gone.value_or(false) ? 1 : 0;
  }
  return removed;
}

std::uint64_t LocalSongStore::used_bytes() const {
  return library_.blobs.used_bytes();
}

std::uint64_t LocalSongStore::capacity_bytes() const {
  return library_.blobs.capacity_bytes();
}

}  // namespace kadenza::services::library
