// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/library/local_upload.hpp"

#include <fmt/format.h>

#include "core/blocking.hpp"
#include "core/identity.hpp"
#include "core/sha256.hpp"

namespace kadenza::services::library {

using core::Result;

namespace {

/// Smaller files are probed within a few milliseconds of their last byte.
constexpr std::uint64_t kEarlyProbeBytesMin = 1 << 20;
constexpr core::Duration kNearlyWhole = std::chrono::seconds(1);

}  // namespace

core::Task<Result<void>> LocalUpload::write(std::span<const std::uint8_t> bytes, core::Deadline deadline) {
  co_return co_await core::run_on(library_.options.blocking, [this, bytes, deadline]() -> Result<void> {
    KADENZA_TRY_VOID(library_.in_time(deadline));
    if (staging_.size() + bytes.size() > library_.options.upload_limit) {
      return core::fail(core::Errc::kTooLarge, fmt::format("a file may have at most {} bytes on this node",
                                                           library_.options.upload_limit));
    }
    KADENZA_TRY_VOID(staging_.append(bytes));
    probe_early();
    return {};
  });
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
    if (found || found.error().code == core::Errc::kCancelled) co_return found;
  }
  auto file = co_await core::run_on(library_.options.blocking, [this] { return staging_.reader(); });
  if (!file) co_return std::unexpected(file.error());
  co_return co_await library_.media.probe(file->get(), deadline);
}

core::Task<Result<core::UploadOutcome>> LocalUpload::finish(core::TagOverrides overrides,
                                                            core::Deadline deadline) {
  if (staging_.size() == 0) {
    co_return core::fail(core::Errc::kUnsupportedMedia, "the file is empty: send the bytes of an audio file");
  }
  staging_.write_back();
  auto probed = co_await probe(deadline);
  if (!probed) co_return std::unexpected(probed.error());
  auto tags = core::checked_tags(overrides.apply_to(std::move(probed->tags)));
  if (!tags) co_return std::unexpected(tags.error());

  core::Song song;
  song.id = core::song_id(tags->title, tags->artist, tags->album);
  song.tags = std::move(*tags);
  song.properties = probed->properties;
  auto outcome = co_await core::run_on(library_.options.blocking, [&]() -> Result<core::UploadOutcome> {
    KADENZA_TRY_VOID(library_.in_time(deadline));
    return store(std::move(song), probed->cover);
  });
  if (outcome && outcome->added) {
    library_.index_updater->notify();
    library_.analyser.notify();
  }
  co_return outcome;
}

Result<core::UploadOutcome> LocalUpload::store(core::Song song, const std::optional<core::Image>& cover) {
  KADENZA_TRY(const auto there, library_.records.get(song.id));
  if (there) return already_there(there->song);

  KADENZA_TRY(song.audio, staging_.digest());
  song.size = staging_.size();
  if (cover) song.cover = core::sha256(cover->bytes);
  auto outcome = store_blobs_and_record(song, cover);
  if (!outcome || !outcome->added) {
    // A failure here leaves orphans, which the next start removes.
    (void)library_.references.remove_if_unused(song.audio);
    if (song.cover) (void)library_.references.remove_if_unused(*song.cover);
  }
  return outcome;
}

Result<core::UploadOutcome> LocalUpload::store_blobs_and_record(core::Song song,
                                                                const std::optional<core::Image>& cover) {
  const BlobReferences::Pin audio_pin(library_.references, song.audio);
  std::optional<BlobReferences::Pin> cover_pin;
  if (cover) {
    cover_pin.emplace(library_.references, *song.cover);
    if (auto put = library_.blobs.put(cover->bytes); !put) return std::unexpected(put.error());
  }
  KADENZA_TRY(auto blob, staging_.commit());
  song.first_stored = library_.options.clock->wall_now();

  const core::SongRecord record{std::move(song), std::move(blob.chunks)};
  std::optional<core::SongRecord> winner;
  KADENZA_TRY_VOID(library_.database->write([&](catalogue::Transaction& transaction) -> Result<void> {
    KADENZA_TRY(winner, library_.records.put_if_absent(transaction, record));
    if (winner) return {};
    if (auto rows = library_.catalogue.add(transaction, std::span(&record.song, 1)); !rows) {
      return std::unexpected(rows.error());
    }
    return {};
  }));
  if (winner) return core::UploadOutcome{winner->song, false, winner->song.audio == record.song.audio, true};
  return core::UploadOutcome{record.song, true, true, true};
}

/// The same audio again passes through commit(), which heals a blob that has rotted meanwhile.
Result<core::UploadOutcome> LocalUpload::already_there(const core::Song& stored) {
  KADENZA_TRY(const auto digest, staging_.digest());
  const bool same = digest == stored.audio;
  if (same) {
    if (auto healed = staging_.commit(); !healed) return std::unexpected(healed.error());
    library_.open_blobs.erase(digest);
  }
  return core::UploadOutcome{stored, false, same, true};
}

}  // namespace kadenza::services::library
