// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/library/local_upload.hpp"

#include <fmt/format.h>

#include "core/blocking.hpp"
#include "core/identity.hpp"
#include "core/sha256.hpp"

namespace kadenza::services::library {

using core::Result;

core::Task<Result<void>> LocalUpload::write(std::span<const std::uint8_t> bytes, core::Deadline deadline) {
  co_return co_await core::run_on(library_.options.blocking, [this, bytes, deadline]() -> Result<void> {
    KADENZA_TRY_VOID(library_.in_time(deadline));
    if (staging_.size() + bytes.size() > library_.options.upload_limit) {
      return core::fail(core::Errc::kTooLarge, fmt::format("a file may have at most {} bytes on this node",
                                                           library_.options.upload_limit));
    }
    return staging_.append(bytes);
  });
}

core::Task<Result<core::UploadOutcome>> LocalUpload::finish(core::TagOverrides overrides,
                                                            core::Deadline deadline) {
  if (staging_.size() == 0) {
    co_return core::fail(core::Errc::kUnsupportedMedia, "the file is empty: send the bytes of an audio file");
  }
  staging_.write_back();
  auto file = co_await core::run_on(library_.options.blocking, [this] { return staging_.reader(); });
  if (!file) co_return std::unexpected(file.error());
  auto probe = co_await library_.media.probe(file->get(), deadline);
  if (!probe) co_return std::unexpected(probe.error());
  auto tags = core::checked_tags(overrides.apply_to(std::move(probe->tags)));
  if (!tags) co_return std::unexpected(tags.error());

  core::Song song;
  song.id = core::song_id(tags->title, tags->artist, tags->album);
  song.tags = std::move(*tags);
  song.properties = probe->properties;
  auto outcome = co_await core::run_on(library_.options.blocking, [&]() -> Result<core::UploadOutcome> {
    KADENZA_TRY_VOID(library_.in_time(deadline));
    return store(std::move(song), probe->cover);
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
