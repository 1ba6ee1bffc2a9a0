// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/streaming/source_book.hpp"

#include <algorithm>
#include <utility>

namespace kadenza::distributed::streaming {
namespace {

using namespace std::chrono_literals;

constexpr core::Duration kPatienceAtFirst = 50ms;
constexpr core::Duration kPatienceMin = 5ms;
constexpr core::Duration kPatienceMax = 1s;

/// A source that was slow once is measured again after this time.
constexpr core::Duration kForgotten = 30s;
/// Of a member that was never read from and never called.
constexpr core::Duration kUnknown = 20ms;
/// Reads that a holder does at once before the next one waits for them.
constexpr std::uint32_t kReadsAtOnce = 4;

}  // namespace

void RecentDurations::add(core::Duration duration) {
  samples_[count_ % kKept] = duration;
  ++count_;
  if (count_ % kRecomputeEvery != 0) return;
  auto sorted = samples_;
  const std::size_t kept = std::min(count_, kKept);
  const auto place = sorted.begin() + static_cast<std::ptrdiff_t>(kept * 95 / 100);
  std::nth_element(sorted.begin(), place, sorted.begin() + static_cast<std::ptrdiff_t>(kept));
  p95_ = *place;
}

core::Duration RecentDurations::p95(core::Duration otherwise) const {
  return count_ < kEnough + kRecomputeEvery ? otherwise : p95_;
}

void SourceBook::answered(const core::NodeId& id, core::Duration took, std::uint32_t load) {
  const std::lock_guard lock(mutex_);
  durations_.add(took);
  auto& source = sources_[id];
  const bool known = source.updated != core::Instant{} && clock_.now() - source.updated < kForgotten;
  source.expected = known ? (source.expected * 3 + took) / 4 : took;
  source.load = load;
  source.updated = clock_.now();
}

void SourceBook::slower_than(const core::NodeId& id, core::Duration waited) {
  const std::lock_guard lock(mutex_);
  auto& source = sources_[id];
  source.expected = std::max(source.expected, waited * 2);
  source.updated = clock_.now();
}

core::Duration SourceBook::expected(const placement::Candidate& candidate,
                                    const placement::Directory& directory) const {
  const auto found = sources_.find(candidate.contact.id);
  if (found == sources_.end() || clock_.now() - found->second.updated > kForgotten) {
    return directory.round_trip(candidate.contact.id).value_or(kUnknown);
  }
  const auto& source = found->second;
  return source.expected + source.expected * source.load / kReadsAtOnce;
}

std::vector<kademlia::Contact> SourceBook::ranked(std::vector<placement::Candidate> sources,
                                                  const placement::Directory& directory) const {
  std::vector<std::pair<std::pair<bool, core::Duration>, kademlia::Contact>> keyed;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& source : sources) {
      if (!source.self) keyed.push_back({{source.silent, expected(source, directory)}, source.contact});
    }
  }
  std::ranges::stable_sort(keyed, {}, [](const auto& entry) { return entry.first; });
  std::vector<kademlia::Contact> result;
  result.reserve(keyed.size());
  for (const auto& [key, contact] : keyed) result.push_back(contact);
  return result;
}

core::Duration SourceBook::patience() const {
  const std::lock_guard lock(mutex_);
  return std::clamp(durations_.p95(kPatienceAtFirst), kPatienceMin, kPatienceMax);
}

}  // namespace kadenza::distributed::streaming
