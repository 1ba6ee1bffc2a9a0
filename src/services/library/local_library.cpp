// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/library/local_library.hpp"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "core/blocking.hpp"
#include "services/library/local_audio_stream.hpp"
#include "services/library/local_song_store.hpp"
#include "services/library/local_upload.hpp"
#include "services/library/parts.hpp"

namespace kadenza::services::library {

using core::Errc;
using core::Result;

namespace {

constexpr std::size_t kCachedRecords = 512;
constexpr std::size_t kCachedCoverBytes = 8 << 20;
constexpr std::size_t kVerifiedBlobs = 4096;
constexpr std::size_t kOpenBlobs = 256;
constexpr auto kSupersededSweep = std::chrono::hours(1);

/// The sizes that covers are scaled to, so that a stranger's choice of numbers cannot make work without end.
constexpr std::array<std::uint32_t, 6> kCoverPixels{64, 128, 256, 512, 1024, 2048};

std::uint32_t offered_pixels(std::uint32_t wanted) {
  const auto* fits = std::ranges::lower_bound(kCoverPixels, wanted);
  return fits == kCoverPixels.end() ? kCoverPixels.back() : *fits;
}

}  // namespace

LocalLibrary::Parts::Parts(Options given, blobs::BlobStore store, std::unique_ptr<catalogue::Database> opened)
    : options(std::move(given)),
      blobs(std::move(store)),
      database(std::move(opened)),
      records(*database),
      catalogue(*database),
      rows(catalogue, options.blocking),
      documents(*database, options.blocking),
      references(blobs, records),
      media(*options.clock, media::MediaOptions{.program = options.media_program}),
      analyser({options.io, options.blocking, *database, records, blobs, media}),
      record_cache(kCachedRecords),
      cover_cache(kCachedCoverBytes),
      open_blobs(kOpenBlobs),
      verified(kVerifiedBlobs),
      song_store(*this) {}

Result<void> LocalLibrary::Parts::start() {
  KADENZA_TRY(index, search::SearchIndex::open(options.data / "search", catalogue));
  index_updater.emplace(*index, [](const core::Error& error) {
    spdlog::error("cannot update the search index: {}", error.detail);
  });
  rows.start(*index_updater);
  analyser.start();
  orphan_remover = std::jthread([this](const std::stop_token& stop) {
    remove_orphans(stop);
    std::mutex mutex;
    std::condition_variable_any stopped;
    std::unique_lock lock(mutex);
    do {
      if (const auto done = song_store.remove_superseded(); !done) {
        spdlog::warn("cannot remove superseded files: {}", done.error().detail);
      }
    } while (!stopped.wait_for(lock, stop, kSupersededSweep, [] { return false; }) && !stop.stop_requested());
  });
  return {};
}

void LocalLibrary::Parts::remove_orphans(const std::stop_token& stop) {
  const auto removed = references.remove_orphans([&] { return stop.stop_requested(); });
  if (!removed) {
    spdlog::warn("cannot look for left-over files: {}", removed.error().detail);
  } else if (*removed > 0) {
    spdlog::info("removed {} files of uploads that a crash cut short", *removed);
  }
}

Result<std::shared_ptr<const core::SongRecord>> LocalLibrary::Parts::record(core::SongId id) {
  if (auto cached = cached_record(id)) return cached;
  KADENZA_TRY(auto stored, records.get(id));
  if (!stored) return core::fail(Errc::kNotFound, fmt::format("there is no song {}", id.text()));
  auto shared = std::make_shared<const core::SongRecord>(std::move(*stored));
  record_cache.put(id, shared);
  return shared;
}

Result<std::unique_ptr<core::AudioStream>> LocalLibrary::Parts::stream(
    std::shared_ptr<const core::SongRecord> record, std::shared_ptr<const core::UniqueFd> blob,
    core::ByteRange range) {
  const auto size = record->song.size;
  if (range.offset > size || range.length > size - range.offset) {
    return core::fail(Errc::kInvalidArgument,
                      fmt::format("the audio has {} bytes; bytes {} to {} are not in it", size, range.offset,
                                  range.offset + range.length));
  }
  auto marks = verified.of(record->song.audio, blob->get(), record->chunks.size());
  auto on_rotten = [this, id = record->song.id] { song_store.note_rotten(id); };
  return std::make_unique<LocalAudioStream>(std::move(record), std::move(blob), std::move(marks), range,
                                            options.blocking, std::move(on_rotten));
}

Result<void> LocalLibrary::Parts::in_time(core::Deadline deadline) const {
  if (options.clock->now() <= deadline) return {};
  return core::fail(Errc::kDeadlineExceeded, "the node did not get to this request in time; try again");
}

Result<std::unique_ptr<LocalLibrary>> LocalLibrary::open(Options options) {
  KADENZA_TRY(auto store,
              blobs::BlobStore::open({.folder = options.data / "blobs", .capacity_bytes = options.capacity}));
  KADENZA_TRY(auto database, catalogue::Database::open(options.data));
  auto parts = std::make_unique<Parts>(std::move(options), std::move(store), std::move(database));
  KADENZA_TRY_VOID(parts->start());
  return std::unique_ptr<LocalLibrary>(new LocalLibrary(std::move(parts)));
}

LocalLibrary::LocalLibrary(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
LocalLibrary::~LocalLibrary() = default;

SongStore& LocalLibrary::songs() {
  return parts_->song_store;
}

RowStore& LocalLibrary::rows() {
  return parts_->rows;
}

documents::DocumentStore& LocalLibrary::documents() {
  return parts_->documents;
}

core::Task<void> LocalLibrary::stop() {
  co_await parts_->analyser.stop();
}

namespace {

/// Runs `work` on the blocking pool unless the deadline has passed when its turn comes. Give it named
/// objects: GCC 12 destroys the captures of a closure twice that is made inside a co_await expression.
template <class Parts, class Work>
core::Task<std::invoke_result_t<Work>> in_turn(Parts& parts, core::Deadline deadline, Work work) {
  auto timely = [&parts, deadline, work = std::move(work)]() mutable -> std::invoke_result_t<Work> {
    if (auto in_time = parts.in_time(deadline); !in_time) return std::unexpected(in_time.error());
    return work();
  };
  co_return co_await core::run_on(parts.options.blocking, std::move(timely));
}

}  // namespace

core::Task<Result<std::unique_ptr<core::Upload>>> LocalLibrary::start_upload(
    std::optional<std::uint64_t> expected_size, core::Deadline deadline) {
  auto upload = co_await parts_->song_store.start(expected_size, SongStore::Purpose::kUpload, deadline);
  if (!upload) co_return std::unexpected(std::move(upload).error());
  co_return std::move(*upload);
}

core::Task<Result<core::Song>> LocalLibrary::song(core::SongId id, core::Deadline deadline) {
  KADENZA_CO_TRY_VOID(parts_->in_time(deadline));
  if (const auto cached = parts_->cached_record(id)) co_return cached->song;
  co_return co_await in_turn(*parts_, deadline, [this, id] { return parts_->catalogue.song(id); });
}

core::Task<Result<std::unique_ptr<core::AudioStream>>> LocalLibrary::Parts::open(core::SongId id,
                                                                                 core::ByteRange range) {
  if (auto record = cached_record(id)) {
    if (auto blob = open_blobs.get(record->song.audio)) {
      co_return stream(std::move(record), std::move(*blob), range);
    }
  }
  auto work = [this, id, range]() -> Result<std::unique_ptr<core::AudioStream>> {
    KADENZA_TRY(auto found, record(id));
    auto opened = blobs.open_blob(found->song.audio);
    if (!opened) {
      song_store.note_rotten(id);
      return std::unexpected(std::move(opened).error());
    }
    auto blob = std::make_shared<const core::UniqueFd>(std::move(*opened));
    open_blobs.put(found->song.audio, blob);
    return stream(std::move(found), std::move(blob), range);
  };
  co_return co_await core::run_on(options.blocking, std::move(work));
}

core::Task<Result<std::unique_ptr<core::AudioStream>>> LocalLibrary::open(core::SongId id,
                                                                          core::ByteRange range,
                                                                          core::Deadline deadline) {
  KADENZA_CO_TRY_VOID(parts_->in_time(deadline));
  co_return co_await parts_->open(id, range);
}

core::Task<Result<core::Image>> LocalLibrary::cover(core::SongId id, std::uint32_t pixels,
                                                    core::Deadline deadline) {
  const auto record = co_await parts_->song_store.record(id);
  if (!record) co_return std::unexpected(record.error());
  const auto stored = (*record)->song.cover;
  if (!stored) co_return core::fail(Errc::kNotFound, "this song has no cover");
  auto original = [this, id] { return parts_->song_store.cover_of(id); };
  co_return co_await scaled_cover(*stored, pixels, deadline, std::move(original));
}

core::Task<Result<core::Image>> LocalLibrary::scaled_cover(
    core::Digest cover, std::uint32_t pixels, core::Deadline deadline,
    std::function<core::Task<Result<core::Image>>()> original) {
  const auto scaled = pixels == 0 ? 0 : offered_pixels(pixels);
  const auto key = fmt::format("{}/{}", cover.text(), scaled);
  if (const auto cached = parts_->cover_cache.get(key)) co_return **cached;
  auto embedded = co_await original();
  if (!embedded) co_return std::unexpected(std::move(embedded).error());
  auto image = std::make_shared<core::Image>(std::move(*embedded));
  if (scaled != 0) {
    auto resized = co_await parts_->media.resize(std::move(image->bytes), scaled, deadline);
    if (!resized) co_return std::unexpected(std::move(resized).error());
    *image = std::move(*resized);
  }
  parts_->cover_cache.put(key, image, image->bytes.size());
  co_return *image;
}

core::Task<Result<core::DerivedFacts>> LocalLibrary::derived_facts(core::SongId id, core::Deadline deadline) {
  KADENZA_CO_TRY_VOID(parts_->in_time(deadline));
  co_return co_await parts_->song_store.facts_of(id);
}

core::Task<Result<core::SearchResults>> LocalLibrary::search(core::SearchRequest request,
                                                             core::Deadline deadline) {
  auto work = [this, request = std::move(request)] { return parts_->index->search(request); };
  co_return co_await in_turn(*parts_, deadline, std::move(work));
}

core::Task<Result<core::Page<core::Song>>> LocalLibrary::songs(core::SongListRequest request,
                                                               core::Deadline deadline) {
  auto work = [this, request = std::move(request)] { return parts_->catalogue.songs(request); };
  co_return co_await in_turn(*parts_, deadline, std::move(work));
}

core::Task<Result<core::Page<core::Album>>> LocalLibrary::albums(core::AlbumListRequest request,
                                                                 core::Deadline deadline) {
  auto work = [this, request = std::move(request)] { return parts_->catalogue.albums(request); };
  co_return co_await in_turn(*parts_, deadline, std::move(work));
}

core::Task<Result<core::AlbumDetail>> LocalLibrary::album(core::AlbumId id, core::Deadline deadline) {
  co_return co_await in_turn(*parts_, deadline, [this, id] { return parts_->catalogue.album(id); });
}

core::Task<Result<core::Page<core::Artist>>> LocalLibrary::artists(core::PageRequest page,
                                                                   core::Deadline deadline) {
  auto work = [this, page = std::move(page)] { return parts_->catalogue.artists(page); };
  co_return co_await in_turn(*parts_, deadline, std::move(work));
}

core::Task<Result<core::ArtistDetail>> LocalLibrary::artist(core::ArtistId id, core::Deadline deadline) {
  co_return co_await in_turn(*parts_, deadline, [this, id] { return parts_->catalogue.artist(id); });
}

core::Task<Result<core::Page<core::Genre>>> LocalLibrary::genres(core::PageRequest page,
                                                                 core::Deadline deadline) {
  auto work = [this, page = std::move(page)] { return parts_->catalogue.genres(page); };
  co_return co_await in_turn(*parts_, deadline, std::move(work));
}

core::Task<Result<core::LibraryTotals>> LocalLibrary::totals(core::Deadline deadline) {
  co_return co_await in_turn(*parts_, deadline, [this] { return parts_->catalogue.totals(); });
}

}  // namespace kadenza::services::library
