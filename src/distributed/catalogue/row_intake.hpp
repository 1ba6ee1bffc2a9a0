// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include <google/protobuf/repeated_ptr_field.h>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/song.hpp"
#include "core/task.hpp"
#include "services/library/row_store.hpp"

namespace kadenza::v1 {
class Song;
}

namespace kadenza::distributed::catalogue {

/// What came of the rows of other nodes, since the start.
struct CatalogueCounters {
  std::atomic<std::uint64_t> added{0};
  std::atomic<std::uint64_t> superseded{0};
  std::atomic<std::uint64_t> refused{0};      ///< rows that were not well formed
  std::atomic<std::uint64_t> compared{0};     ///< comparisons of digests with another node
  std::atomic<std::uint64_t> differences{0};  ///< shards that such a comparison found different
};

/// A row of this node that lost, and the one that took its place.
using OnSuperseded = std::function<void(const core::Song& loser, const core::Song& winner)>;

/// Takes rows of other nodes into this node's catalogue. On one strand.
class RowIntake {
 public:
  RowIntake(services::library::RowStore& rows, const core::Clock& clock, OnSuperseded on_superseded)
      : rows_(rows), clock_(clock), on_superseded_(std::move(on_superseded)) {}

  using Messages = google::protobuf::RepeatedPtrField<v1::Song>;
  /// Merges the rows that are well formed; the others are counted and left out. Returns the rows of this
  /// node that win over given ones. kInvalidArgument for more than kRowsPerMessage.
  core::Task<core::Result<std::vector<core::Song>>> take(const Messages& messages);

  /// The well-formed rows of a message. kInvalidArgument for more than kRowsPerMessage.
  core::Result<std::vector<core::Song>> checked(const Messages& messages);
  /// Returns the rows of this node that win over given ones.
  core::Task<core::Result<std::vector<core::Song>>> merge(std::vector<core::Song> rows);

  CatalogueCounters& counters() noexcept { return counters_; }

 private:
  services::library::RowStore& rows_;
  const core::Clock& clock_;
  const OnSuperseded on_superseded_;
  CatalogueCounters counters_;
};

/// Rows as messages.
void fill(RowIntake::Messages& messages, const std::vector<core::Song>& rows);

}  // namespace kadenza::distributed::catalogue
