// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/library/local_upload.hpp"

#include <fmt/format.h>

#include "core/blocking.hpp"
#include "core/identity.hpp"
#include "core/sha256.hpp"

namespace kadenza::services::library {

using core::Errc;
using core::Result;

namespace {

/// Smaller files are probed within a few milliseconds of their last byte.
constexpr std::uint64_t kEarlyProbeBytesMin = 1 << 20;
constexpr core::Duration kNearlyWhole = std::chrono::seconds(1);

}  // namespace

core::Task<Result<void>> LocalUpload::write(std::span<const std::uint8_t> bytes, core::Deadline deadline) {
  co_return co_await core::run_on(library_.options.blocking, [this, bytes, deadline]() -> Result<void> {
    KADENZA_TRY_VOID(check_room(bytes.size(), deadline));
    library_.analyser.note_arrival();
    KADENZA_TRY_VOID(staging_.append(bytes));
    probe_early();
    return {};
  });
}

core::Task<Result<void>> LocalUpload::write_verified(std::span<const std::uint8_t> bytes,
                                                     std::span<const core::Digest> chunks,
                                                     core::Deadline deadline) {
  co_return co_await core::run_on(library_.options.blocking,
                                  [this, bytes, chunks, deadline]() -> Result<void> {
                                    KADENZA_TRY_VOID(check_room(bytes.size(), deadline));
                                    library_.analyser.note_arrival();
                                    return staging_.append_hashed(bytes, chunks);
                                  });
}

Result<void> LocalUpload::check_room(std::size_t added, core::Deadline deadline) const {
  KADENZA_TRY_VOID(library_.in_time(deadline));
  if (staging_.size() + added > library_.options.upload_limit) {
    return core::fail(Errc::kTooLarge, fmt::format("a file may have at most {} bytes on this node",
                                                   library_.options.upload_limit));
  }
  return {};
}

bool LocalUpload::is_nearly_whole() const {
  const auto size = staging_.size();
  if (size < kEarlyProbeBytesMin || size >= expected_size_) return false;
  const auto taken = library_.options.clock->now() - began_;
  const auto left = static_cast<double>(expected_size_ - size) / static_cast<double>(size);
  return static_cast<double>(taken.count()) * left < static_cast<double>(kNearlyWhole.count());
}

void LocalUpload::probe_early() {
  if (early_probe_) {
    early_probe_->grown();
  } else if (is_nearly_whole()) {
    if (const auto file = staging_.reader()) {
      early_probe_ = library_.media.probe_early(file->get(), expected_size_);
    }
  }
}

core::Task<Result<media::Probe>> LocalUpload::probe(core::Deadline deadline) {
  if (early_probe_ && staging_.size() == expected_size_) {
    auto found = co_await early_probe_->result(deadline);
    early_probe_.reset();
    if (found || found.error().code == Errc::kCancelled) co_return found;
  }
  auto file = co_await core::run_on(library_.options.blocking, [this] { return staging_.reader(); });
  if (!file) co_return std::unexpected(file.error());
  co_return co_await library_.media.probe(file->get(), deadline);
}

core::Task<Result<ExaminedSong>> LocalUpload::examine(core::TagOverrides overrides, core::Deadline deadline) {
  if (staging_.size() == 0) {
    co_return core::fail(Errc::kUnsupportedMedia, "the file is empty: send the bytes of an audio file");
  }
  staging_.write_back();
  auto probed = co_await probe(deadline);
  if (!probed) co_return std::unexpected(probed.error());
  auto tags = core::checked_tags(overrides.apply_to(std::move(probed->tags)));
  if (!tags) co_return std::unexpected(tags.error());

  ExaminedSong examined;
  auto& song = examined.record.song;
  song.id = core::song_id(tags->title, tags->artist, tags->album);
  song.tags = std::move(*tags);
  song.properties = probed->properties;
  examined.cover = std::move(probed->cover);
  if (examined.cover) song.cover = core::sha256(examined.cover->bytes);
  auto hash = [this, deadline]() -> Result<blobs::BlobInfo> {
    KADENZA_TRY_VOID(library_.in_time(deadline));
    KADENZA_TRY(auto file, staging_.reader());
    received_ = std::make_shared<const core::UniqueFd>(std::move(file));
    return staging_.describe();
  };
  auto info = co_await core::run_on(library_.options.blocking, std::move(hash));
  if (!info) co_return std::unexpected(info.error());
  song.audio = info->digest;
  song.size = info->size;
  examined.record.chunks = std::move(info->chunks);
  co_return examined;
}

core::Task<Result<core::UploadOutcome>> LocalUpload::finish(core::TagOverrides overrides,
                                                            core::Deadline deadline) {
  auto examined = co_await examine(std::move(overrides), deadline);
  if (!examined) co_return std::unexpected(examined.error());
  examined->record.song.first_stored = library_.options.clock->wall_now();
  const auto audio = examined->record.song.audio;
  auto held =
      co_await commit(std::move(examined->record), std::move(examined->cover), OnConflict::kKeep, deadline);
  if (!held) co_return std::unexpected(held.error());
  const bool same_audio = held->song.audio == audio;
  co_return core::UploadOutcome{std::move(held->song), held->added, same_audio, true};
}

core::Task<Result<std::vector<std::uint8_t>>> LocalUpload::read(core::ByteRange range) const {
  auto work = [file = received_, range]() -> Result<std::vector<std::uint8_t>> {
    if (!file) return core::fail(Errc::kInvalidArgument, "this song is still being received");
    return blobs::read_range(file->get(), range);
  };
  co_return co_await core::run_on(library_.options.blocking, std::move(work));
}

core::Task<Result<HeldSong>> LocalUpload::commit(core::SongRecord record, std::optional<core::Image> cover,
                                                 OnConflict on_conflict, core::Deadline deadline) {
  auto work = [this, deadline, record = std::move(record), cover = std::move(cover),
               on_conflict]() -> Result<HeldSong> {
    KADENZA_TRY_VOID(library_.in_time(deadline));
    return store(record, cover, on_conflict);
  };
  auto held = co_await core::run_on(library_.options.blocking, std::move(work));
  if (held && held->added) {
    library_.song_store.note_stored(held->song);
    library_.rows.changed();
    library_.analyser.notify();
  }
  co_return held;
}

Result<HeldSong> LocalUpload::store(const core::SongRecord& record, const std::optional<core::Image>& cover,
                                    OnConflict on_conflict) {
  KADENZA_TRY(const auto info, staging_.describe());
  if (info.digest != record.song.audio || info.size != record.song.size || info.chunks != record.chunks) {
    return core::fail(Errc::kCorrupted, "the bytes received are not those of the song's record");
  }
  if (record.song.cover && (!cover || core::sha256(cover->bytes) != *record.song.cover)) {
    return core::fail(Errc::kCorrupted, "the cover received is not that of the song's record");
  }
  KADENZA_TRY(auto there, library_.records.get(record.song.id));
  const bool same = there && there->song.audio == record.song.audio;
  if (there && (same || on_conflict == OnConflict::kKeep) && stays(there->song, record.song, on_conflict)) {
    return already_there(std::move(there->song), cover);
  }

  auto held = store_blobs_and_record(record, cover, on_conflict);
  if (!held || !held->added) {
    // A failure here leaves orphans, which the next start removes.
    (void)library_.references.remove_if_unused(record.song.audio);
    if (record.song.cover) (void)library_.references.remove_if_unused(*record.song.cover);
  }
  return held;
}

Result<HeldSong> LocalUpload::store_blobs_and_record(const core::SongRecord& record,
                                                     const std::optional<core::Image>& cover,
                                                     OnConflict on_conflict) {
  const BlobReferences::Pin audio_pin(library_.references, record.song.audio);
  std::optional<BlobReferences::Pin> cover_pin;
  if (record.song.cover) {
    cover_pin.emplace(library_.references, *record.song.cover);
    if (auto stored = library_.blobs.put(cover->bytes); !stored) return std::unexpected(stored.error());
  }
  if (auto blob = staging_.commit(); !blob) return std::unexpected(blob.error());

  HeldSong held;
  KADENZA_TRY_VOID(library_.database->write([&](catalogue::Transaction& transaction) -> Result<void> {
    KADENZA_TRY(held, put(transaction, record, on_conflict));
    return {};
  }));
  if (held.added) library_.record_cache.erase(record.song.id);
  return held;
}

Result<HeldSong> LocalUpload::put(catalogue::Transaction& transaction, const core::SongRecord& record,
                                  OnConflict on_conflict) {
  const auto& song = record.song;
  KADENZA_TRY(const auto winner, library_.records.superseded_by(transaction, song.id, song.audio));
  if (winner) {
    return core::fail(Errc::kConflict, "this record gave way to one of the same song that was stored first");
  }
  KADENZA_TRY(auto there, library_.records.get(song.id));
  if (there && stays(there->song, song, on_conflict)) return HeldSong{std::move(there->song), false};

  KADENZA_TRY(auto rows, library_.catalogue.merge(transaction, std::span(&song, 1)));
  auto stored = record;
  if (!rows.stale.empty()) {
    stored.song = std::move(rows.stale.front());
    if (stored.song.audio != song.audio) return HeldSong{std::move(stored.song), false};
  }
  if (there && there->song.audio == song.audio) {
    KADENZA_TRY_VOID(library_.records.remove(transaction, song.id, song.audio));
  } else if (there) {
    KADENZA_TRY_VOID(library_.records.supersede(transaction, song.id, there->song.audio, song.audio,
                                                library_.options.clock->wall_now()));
  }
  KADENZA_TRY_VOID(library_.records.put_if_absent(transaction, stored));
  return HeldSong{std::move(stored.song), true};
}

/// The same audio and cover again pass through commit(), which heals blobs that have rotted meanwhile.
Result<HeldSong> LocalUpload::already_there(core::Song stored, const std::optional<core::Image>& cover) {
  KADENZA_TRY(const auto digest, staging_.digest());
  if (digest == stored.audio) {
    if (auto healed = staging_.commit(); !healed) return std::unexpected(healed.error());
    library_.open_blobs.erase(digest);
    if (stored.cover && cover && core::sha256(cover->bytes) == *stored.cover) {
      if (auto healed = library_.blobs.put(cover->bytes); !healed) return std::unexpected(healed.error());
    }
  }
  return HeldSong{std::move(stored), false};
}

}  // namespace kadenza::services::library
