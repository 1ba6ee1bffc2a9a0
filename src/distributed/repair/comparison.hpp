// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/task.hpp"
#include "distributed/kademlia/contact.hpp"
#include "distributed/repair/branch.hpp"
#include "distributed/repair/held_copies.hpp"

namespace kadenza::v1 {
class CompareReply;
class CompareRequest;
class Comparison;
}  // namespace kadenza::v1

namespace kadenza::distributed::repair {

/// How what two nodes hold differs.
struct Differences {
  std::vector<HeldCopy> missing;      ///< there and not here, or here in another version; up to the limit
  std::vector<core::SongId> lacking;  ///< here and not there, among what was looked at
  std::uint64_t bytes = 0;            ///< of all that is missing here; estimated beyond the limit
  bool more = false;                  ///< the limit was reached
};

/// Compares what two nodes hold of the partitions that both see as theirs (anti-entropy by Merkle trees): one
/// call when nothing differs, and otherwise down those branches that do. One use, one coroutine.
class TreeComparison {
 public:
  /// Asks the other node: of songs and of documents by methods of their own.
  using Ask = std::function<core::Task<core::Result<v1::CompareReply>>(kademlia::Contact, v1::CompareRequest,
                                                                       core::Deadline)>;
  struct Parts {
    Ask ask;
    const HeldCopies& held;
    HeldCopies::Chosen shared;  ///< the partitions that the two compare; they outlive it
    const core::Clock& clock;
    std::size_t limit = 0;                               ///< of missing songs
    std::function<bool(const core::SongId&)> postponed;  ///< not reported as missing; none: all are
  };
  explicit TreeComparison(Parts parts) : parts_(std::move(parts)) {}

  core::Task<core::Result<Differences>> with(kademlia::Contact other);

 private:
  struct Open {
    Branch branch;
    std::optional<Summary> theirs;  ///< none: not heard yet
  };
  core::Result<void> settle(const Branch& branch, const v1::Comparison& comparison);
  core::Result<void> descend(const Branch& branch, const v1::Comparison& comparison);
  void compare_songs(const std::vector<HeldCopy>& ours, const std::vector<HeldCopy>& theirs);
  void estimate_rest();

  const Parts parts_;
  std::vector<Open> open_{Open{}};
  Differences found_;
};

/// The other side of it. `shared`: the partitions that this node compares with the caller.
core::Result<v1::CompareReply> answer_comparison(const v1::CompareRequest& request, const HeldCopies& held,
                                                 HeldCopies::Chosen shared);

}  // namespace kadenza::distributed::repair
