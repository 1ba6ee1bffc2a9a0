// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/ids.hpp"
#include "core/task.hpp"

namespace kadenza::services::documents {

/// Where a node keeps its copies of documents: bytes by id, what they mean is not known here. A copy that the
/// disk has spoilt is as good as none. Thread-safe; calls resume on their caller's executor.
class DocumentStore {
 public:
  using State = std::optional<std::string>;  ///< none: no such document here
  /// From what is there to what shall be. Must not block.
  using Change = std::function<core::Result<State>(const State& before)>;
  struct Stored {
    core::DocumentId id;
    State state;  ///< none: the disk has spoilt it
  };

  virtual ~DocumentStore() = default;

  virtual core::Task<core::Result<State>> find(core::DocumentId id) = 0;

  /// Applies `change`, on whatever thread; changes come one after another. Answers when what it made is
  /// durable; with an error, also one of `change`, nothing has happened.
  virtual core::Task<core::Result<void>> update(core::DocumentId id, Change change) = 0;

  /// Those with ids above `after` (none: from the start), ascending.
  virtual core::Task<core::Result<std::vector<Stored>>> page(std::optional<core::DocumentId> after,
                                                             std::size_t limit) = 0;
  virtual core::Task<core::Result<void>> discard_all() = 0;

  /// When this node first and last noted that it takes part; none: never.
  struct Presence {
    core::WallTime first;
    core::WallTime last;
  };
  virtual core::Task<core::Result<std::optional<Presence>>> presence() = 0;
  virtual core::Task<core::Result<void>> note_presence(core::WallTime now) = 0;
};

}  // namespace kadenza::services::documents
