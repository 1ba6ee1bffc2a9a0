// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "distributed/repair/branch.hpp"

namespace kadenza::v1 {
class Branch;
}

namespace kadenza::distributed::repair {

/// Limits of one comparison; a node that goes beyond them is refused.
inline constexpr std::size_t kBranchesPerCall = 64;
/// A branch with no more songs than this is compared song by song.
inline constexpr std::size_t kSongsPerLeaf = 64;

/// What comes from another node is checked: kInvalidArgument says what cannot be.
void to_message(const Branch& branch, const Summary& summary, v1::Branch& message);
struct NamedSummary {
  Branch branch;
  Summary summary;
};
core::Result<NamedSummary> branch_from(const v1::Branch& message);

std::string pack(const std::vector<HeldCopy>& songs);
/// At most kSongsPerLeaf, in ascending order, all in `branch`.
core::Result<std::vector<HeldCopy>> unpack_songs(std::string_view packed, const Branch& branch);

}  // namespace kadenza::distributed::repair
