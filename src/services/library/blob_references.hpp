// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <functional>
#include <map>
#include <mutex>

#include "core/error.hpp"
#include "core/ids.hpp"
#include "services/blobs/blob_store.hpp"
#include "services/catalogue/record_store.hpp"

namespace kadenza::services::library {

/// Decides when a blob may go: when no record names it and no upload is about to write such a record.
/// Thread-safe.
class BlobReferences {
 public:
  BlobReferences(blobs::BlobStore& store, const catalogue::RecordStore& records)
      : store_(store), records_(records) {}

  /// Keeps a blob from being removed between its commit and its record's. Movable, one owner.
  class Pin {
   public:
    Pin(BlobReferences& references, core::Digest digest);
    Pin(Pin&& other) noexcept;
    Pin& operator=(Pin&&) = delete;
    ~Pin();

   private:
    BlobReferences* references_;
    core::Digest digest_;
  };

  /// Removes the blob unless a record names it or it is pinned. True when it was removed.
  core::Result<bool> remove_if_unused(const core::Digest& digest);

  /// Removes what a crash between a blob's commit and its record's left behind. Walks the whole store:
  /// for a background thread, once after a start. Returns how many blobs went; stops early, with those
  /// removed so far, when `stopping` says so.
  core::Result<std::size_t> remove_orphans(const std::function<bool()>& stopping);

 private:
  blobs::BlobStore& store_;
  const catalogue::RecordStore& records_;
  std::mutex mutex_;  // guards pins_, and the step from "unused" to "removed"
  std::map<core::Digest, int> pins_;
};

}  // namespace kadenza::services::library
