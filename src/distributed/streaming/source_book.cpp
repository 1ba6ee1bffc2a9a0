// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/streaming/source_book.hpp"

#include <algorithm>
#include <utility>

namespace kadenza::distributed::streaming {
namespace {

using namespace std::chrono_literals;

constexpr core::Duration kPatienceAtFirst = 50ms;
constexpr double kDelayAtFirst = 3;
constexpr core::Duration kPatienceMin = 5ms;
constexpr core::Duration kPatienceMax = 1s;

/// A source that was slow once is measured again after this time.
constexpr core::Duration kForgotten = 30s;
/// Of a source that was not read from lately: two round trips to connect, one to ask, and two because a new
/// connection sends a chunk in three flights (docs/simulation.md).
constexpr int kRoundTripsAtFirst = 5;
/// Of a member whose nearness nobody measured.
constexpr core::Duration kUnknown = 20ms;
/// Reads that a holder does at once before the next one waits for them.
constexpr std::uint32_t kReadsAtOnce = 4;

}  // namespace

void RecentDelays::add(double ratio) {
  ratios_[count_ % kKept] = ratio;
  ++count_;
  if (count_ % kRecomputeEvery != 0) return;
  auto sorted = ratios_;
  const std::size_t kept = std::min(count_, kKept);
  const auto place = sorted.begin() + static_cast<std::ptrdiff_t>(kept * 95 / 100);
  std::nth_element(sorted.begin(), place, sorted.begin() + static_cast<std::ptrdiff_t>(kept));
  p95_ = *place;
}

std::optional<double> RecentDelays::p95() const {
  return count_ < kEnough + kRecomputeEvery ? std::nullopt : std::optional(p95_);
}

void SourceBook::answered(const Source& source, core::Duration took, std::uint32_t load) {
  const std::lock_guard lock(mutex_);
  if (source.expected > core::Duration{}) {
    delays_.add(static_cast<double>(took.count()) / static_cast<double>(source.expected.count()));
  }
  auto& known = sources_[source.contact.id];
  const bool lately = known.updated != core::Instant{} && clock_.now() - known.updated < kForgotten;
  known.expected = lately ? (known.expected * 3 + took) / 4 : took;
  known.load = load;
  known.updated = clock_.now();
}

void SourceBook::slower_than(const core::NodeId& id, core::Duration waited) {
  const std::lock_guard lock(mutex_);
  auto& known = sources_[id];
  known.expected = std::max(known.expected, waited * 2);
  known.updated = clock_.now();
}

core::Duration SourceBook::expected(const placement::Candidate& candidate,
                                    const placement::Directory& directory) const {
  const auto found = sources_.find(candidate.contact.id);
  if (found == sources_.end() || clock_.now() - found->second.updated > kForgotten) {
    const auto round_trip = directory.round_trip(candidate.contact.id);
    return round_trip ? *round_trip * kRoundTripsAtFirst : kUnknown;
  }
  const auto& known = found->second;
  return known.expected + known.expected * known.load / kReadsAtOnce;
}

Source SourceBook::source(const placement::Candidate& candidate,
                          const placement::Directory& directory) const {
  const std::lock_guard lock(mutex_);
  return {candidate.contact, expected(candidate, directory)};
}

std::vector<Source> SourceBook::ranked(const std::vector<placement::Candidate>& candidates,
                                       const placement::Directory& directory) const {
  std::vector<std::pair<bool, Source>> by_silence;
  for (const auto& candidate : candidates) {
    if (!candidate.self) by_silence.emplace_back(candidate.silent, source(candidate, directory));
  }
  std::ranges::stable_sort(by_silence, {},
                           [](const auto& entry) { return std::pair(entry.first, entry.second.expected); });
  std::vector<Source> result;
  for (const auto& [silent, source] : by_silence) result.push_back(source);
  return result;
}

core::Duration SourceBook::patience(const Source& source) const {
  const std::lock_guard lock(mutex_);
  const auto delay = delays_.p95();
  const std::chrono::duration<double> expected(source.expected);
  const auto wait = std::chrono::duration_cast<core::Duration>(expected * delay.value_or(kDelayAtFirst));
  return std::clamp(delay ? wait : std::max(wait, kPatienceAtFirst), kPatienceMin, kPatienceMax);
}

}  // namespace kadenza::distributed::streaming
