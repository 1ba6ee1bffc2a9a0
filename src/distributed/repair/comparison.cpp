// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/repair/comparison.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "distributed/repair/repair_messages.hpp"
#include "repair.pb.h"

namespace kadenza::distributed::repair {

using core::Errc;
using core::Result;

namespace {

constexpr auto kCallTime = std::chrono::seconds(10);

std::unexpected<core::Error> nonsense() {
  return core::fail(Errc::kUnavailable, "the other node answered a comparison with what was not asked");
}

}  // namespace

core::Task<Result<Differences>> TreeComparison::with(kademlia::Contact other) {
  while (!open_.empty() && found_.missing.size() < parts_.limit) {
    std::vector<Open> asked;
    v1::CompareRequest request;
    while (!open_.empty() && asked.size() < kBranchesPerCall) {
      const auto& branch = asked.emplace_back(open_.back()).branch;
      open_.pop_back();
      to_message(branch, parts_.held.summary(branch, parts_.shared), *request.add_branches());
    }
    const auto by = parts_.clock.now() + kCallTime;
    auto reply = co_await parts_.ask(other, std::move(request), by);
    if (!reply) co_return std::unexpected(std::move(reply).error());
    if (reply->comparisons_size() != static_cast<int>(asked.size())) co_return nonsense();
    for (int i = 0; i < reply->comparisons_size(); ++i) {
      KADENZA_CO_TRY_VOID(settle(asked[static_cast<std::size_t>(i)].branch, reply->comparisons(i)));
    }
  }
  estimate_rest();
  co_return std::move(found_);
}

Result<void> TreeComparison::settle(const Branch& branch, const v1::Comparison& comparison) {
  if (comparison.equal()) return {};
  if (comparison.children_size() > 0) return descend(branch, comparison);
  KADENZA_TRY(const auto theirs, unpack_songs(comparison.songs(), branch));
  compare_songs(parts_.held.songs(branch, parts_.shared), theirs);
  return {};
}

Result<void> TreeComparison::descend(const Branch& branch, const v1::Comparison& comparison) {
  if (branch.digits == Branch::kDigitsMax) return nonsense();
  std::array<Summary, Branch::kChildren> theirs;
  auto next = 0U;
  for (const auto& message : comparison.children()) {
    KADENZA_TRY(const auto child, branch_from(message));
    while (next < Branch::kChildren && branch.child(next) != child.branch) ++next;
    if (next == Branch::kChildren) return nonsense();
    theirs.at(next++) = child.summary;
  }
  for (auto digit = 0U; digit < Branch::kChildren; ++digit) {
    const auto child = branch.child(digit);
    if (theirs.at(digit) == parts_.held.summary(child, parts_.shared)) continue;
    if (theirs.at(digit).songs.count == 0) {
      compare_songs(parts_.held.songs(child, parts_.shared), {});
    } else {
      open_.push_back({child, theirs.at(digit)});
    }
  }
  return {};
}

void TreeComparison::compare_songs(const std::vector<HeldCopy>& ours, const std::vector<HeldCopy>& theirs) {
  auto our = ours.begin();
  for (const auto& their : theirs) {
    for (; our != ours.end() && our->version.id < their.version.id; ++our) {
      found_.lacking.push_back(our->version.id);
    }
    const bool here = our != ours.end() && our->version.id == their.version.id;
    if (!here || our->version != their.version) {
      found_.bytes += their.bytes;
      if (!parts_.postponed || !parts_.postponed(their.version.id)) found_.missing.push_back(their);
    }
    if (here) ++our;
  }
  for (; our != ours.end(); ++our) found_.lacking.push_back(our->version.id);
}

void TreeComparison::estimate_rest() {
  found_.more = !open_.empty();
  for (const auto& [branch, theirs] : open_) {
    const auto ours = parts_.held.summary(branch, parts_.shared);
    if (theirs && theirs->bytes > ours.bytes) found_.bytes += theirs->bytes - ours.bytes;
  }
}

Result<v1::CompareReply> answer_comparison(const v1::CompareRequest& request, const HeldCopies& held,
                                           HeldCopies::Chosen shared) {
  if (request.branches_size() < 1 || request.branches_size() > static_cast<int>(kBranchesPerCall)) {
    return core::fail(Errc::kInvalidArgument,
                      fmt::format("a comparison is of 1 to {} branches", kBranchesPerCall));
  }
  v1::CompareReply reply;
  for (const auto& message : request.branches()) {
    KADENZA_TRY(const auto theirs, branch_from(message));
    auto& comparison = *reply.add_comparisons();
    const auto ours = held.summary(theirs.branch, shared);
    if (ours == theirs.summary) {
      comparison.set_equal(true);
    } else if (ours.songs.count <= kSongsPerLeaf) {
      auto songs = held.songs(theirs.branch, shared);
      songs.resize(std::min(songs.size(), kSongsPerLeaf));
      comparison.set_songs(pack(songs));
    } else {
      for (auto digit = 0U; digit < Branch::kChildren; ++digit) {
        const auto child = theirs.branch.child(digit);
        const auto summary = held.summary(child, shared);
        if (summary.songs.count > 0) to_message(child, summary, *comparison.add_children());
      }
    }
  }
  return reply;
}

}  // namespace kadenza::distributed::repair
