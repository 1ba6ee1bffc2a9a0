// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/ids.hpp"
#include "core/task.hpp"
#include "distributed/documents/document.hpp"
#include "distributed/placement/partition.hpp"
#include "distributed/repair/held_copies.hpp"
#include "services/documents/document_store.hpp"

namespace kadenza::distributed::documents {

/// A document's partition: it is placed as a song with this id would be.
placement::Partition partition_of(const core::DocumentId& id, unsigned partition_bits);
/// A document as the comparison of nodes sees it; its version is the beginning of its encoding's SHA-256.
repair::HeldCopy held_document(const core::DocumentId& id, std::string_view state);
core::SongId key_of(const core::DocumentId& id);
core::DocumentId document_of(const core::SongId& key);

/// The copies that this node holds. They cannot be read or written before set_current(true): until it is
/// known whether they are out of date. Thread-safe.
class Copies {
 public:
  /// All outlive it.
  struct Parts {
    services::documents::DocumentStore& store;
    const core::Clock& clock;
    unsigned partition_bits = 16;
  };
  explicit Copies(Parts parts) : parts_(parts), held_(parts_.partition_bits) {}

  /// Called with every copy that was merged and is durable, on any thread. Before anything is served.
  void on_merged(std::function<void(const repair::RowVersion&)> listener) {
    on_merged_ = std::move(listener);
  }

  /// Fills held() from the store.
  core::Task<core::Result<void>> load();
  void set_current(bool current) noexcept { current_ = current; }
  bool is_current() const noexcept { return current_; }

  using State = services::documents::DocumentStore::State;
  /// Its bytes, as they are kept and sent; nothing when it is not held here.
  core::Task<core::Result<State>> state(core::DocumentId id);
  /// kCorrupted when the store's bytes are none of ours.
  core::Task<core::Result<std::optional<Document>>> read(core::DocumentId id);

  /// Merges `theirs` into the copy here, durably, and answers the copy's version; 0 when it was removed so
  /// long ago that nothing is kept. kInvalidArgument: it was written in this node's future. kTooLarge: the
  /// two together are.
  core::Task<core::Result<repair::RowVersion>> merge(core::DocumentId id, Document theirs);

  /// Drops the copy unless it has changed: false.
  core::Task<core::Result<bool>> drop(core::DocumentId id, std::uint64_t version);
  /// Drops documents whose removal needs no memory any more.
  core::Task<void> forget_removed();
  core::Task<core::Result<void>> discard_all();

  const repair::HeldCopies& held() const noexcept { return held_; }

 private:
  core::Result<State> merged(const core::DocumentId& id, const State& before, const Document& theirs);
  void note_absence(const core::DocumentId& id);
  core::Task<void> note_what_is_there(core::DocumentId id);

  const Parts parts_;
  repair::HeldCopies held_;
  std::function<void(const repair::RowVersion&)> on_merged_;
  std::atomic<bool> current_{false};
};

}  // namespace kadenza::distributed::documents
