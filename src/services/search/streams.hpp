// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace kadenza::services::search {

/// Document ids in ascending order, met one after the other. Xapian's own matcher gathers statistics and
/// builds its tree anew for each query, which costs more than the few documents that a tier needs; these walk
/// its posting lists directly and stop when told enough. Errors are Xapian's exceptions. One owner.
class Stream {
 public:
  /// Above every document id.
  static constexpr std::uint64_t kEnd = UINT64_MAX;

  virtual ~Stream() = default;
  /// The first id that is at least `document`, or kEnd. Never goes back: `document` must not decrease.
  virtual std::uint64_t seek(std::uint64_t document) = 0;
};
/// Null is the stream of nothing.
using StreamPtr = std::unique_ptr<Stream>;

StreamPtr any_of(std::vector<StreamPtr> streams);
StreamPtr all_of(std::vector<StreamPtr> streams);
/// `stream` without the ids of what `excluded` makes, which is called at the first id found.
StreamPtr without(StreamPtr stream, std::function<StreamPtr()> excluded);

}  // namespace kadenza::services::search
