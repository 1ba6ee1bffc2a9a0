// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <thread>

#include "core/clock.hpp"
#include "services/blobs/blob_store.hpp"
#include "services/catalogue/catalogue.hpp"
#include "services/catalogue/database.hpp"
#include "services/catalogue/record_store.hpp"
#include "services/documents/local_documents.hpp"
#include "services/library/analyser.hpp"
#include "services/library/blob_references.hpp"
#include "services/library/local_library.hpp"
#include "services/library/local_rows.hpp"
#include "services/library/local_song_store.hpp"
#include "services/library/lru_cache.hpp"
#include "services/library/verified_chunks.hpp"
#include "services/media/media_service.hpp"
#include "services/search/index_updater.hpp"
#include "services/search/search_index.hpp"

namespace kadenza::services::library {

/// What a LocalLibrary is made of, in the order of construction. Private to this folder.
struct LocalLibrary::Parts {
  Parts(Options given, blobs::BlobStore store, std::unique_ptr<catalogue::Database> opened);
  core::Result<void> start();
  void remove_orphans(const std::stop_token& stop);

  /// A stored song's record, from memory when it was asked for lately: records never change. kNotFound.
  core::Result<std::shared_ptr<const core::SongRecord>> record(core::SongId id);
  std::shared_ptr<const core::SongRecord> cached_record(core::SongId id) {
    return record_cache.get(id).value_or(nullptr);
  }

  /// A stream over `range` of an open blob: no disk access. kInvalidArgument when it lies outside.
  core::Result<std::unique_ptr<core::AudioStream>> stream(std::shared_ptr<const core::SongRecord> record,
                                                          std::shared_ptr<const core::UniqueFd> blob,
                                                          core::ByteRange range);

  /// A stream over a stored song. kNotFound, and as stream().
  core::Task<core::Result<std::unique_ptr<core::AudioStream>>> open(core::SongId id, core::ByteRange range);

  /// kDeadlineExceeded when a call's turn comes too late.
  core::Result<void> in_time(core::Deadline deadline) const;

  const Options options;
  blobs::BlobStore blobs;
  const std::unique_ptr<catalogue::Database> database;
  catalogue::RecordStore records;
  catalogue::Catalogue catalogue;
  LocalRows rows;
  documents::LocalDocuments documents;
  BlobReferences references;
  media::MediaService media;
  Analyser analyser;
  std::unique_ptr<search::SearchIndex> index;
  std::optional<search::IndexUpdater> index_updater;
  LruCache<core::SongId, std::shared_ptr<const core::SongRecord>> record_cache;
  LruCache<std::string, std::shared_ptr<const core::Image>> cover_cache;
  /// Files of the songs played last, so that a player's many small ranges open them once.
  LruCache<core::Digest, std::shared_ptr<const core::UniqueFd>> open_blobs;
  VerifiedChunks verified;
  LocalSongStore song_store;
  std::jthread orphan_remover;  ///< and, from hour to hour, of superseded songs
};

}  // namespace kadenza::services::library
