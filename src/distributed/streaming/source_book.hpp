// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "core/clock.hpp"
#include "core/ids.hpp"
#include "distributed/placement/directory.hpp"

namespace kadenza::distributed::streaming {

/// The latest durations of something, and their 95th percentile. Not thread-safe.
class RecentDurations {
 public:
  void add(core::Duration duration);
  /// `otherwise` until there are enough samples to speak of a percentile.
  core::Duration p95(core::Duration otherwise) const;

 private:
  static constexpr std::size_t kKept = 128;
  static constexpr std::size_t kEnough = 20;
  static constexpr std::size_t kRecomputeEvery = 8;

  std::array<core::Duration, kKept> samples_{};
  std::size_t count_ = 0;
  core::Duration p95_{};
};

/// How quickly each source answered this node's reads lately, and how busy it said it was. One for a node;
/// thread-safe, one lock that is never held across a suspension.
class SourceBook {
 public:
  explicit SourceBook(const core::Clock& clock) : clock_(clock) {}

  /// A verified answer after `took`.
  void answered(const core::NodeId& source, core::Duration took, std::uint32_t load);
  /// No usable answer, or none before another source had given one: it took at least this long.
  void slower_than(const core::NodeId& source, core::Duration waited);

  /// The sources, those first that should answer soonest: by measured time, weighed with their load; a source
  /// not measured yet counts as its round trip; silent ones come last. Keeps the order of equals.
  std::vector<kademlia::Contact> ranked(std::vector<placement::Candidate> sources,
                                        const placement::Directory& directory) const;

  /// How long to wait for a source before another one is asked too.
  core::Duration patience() const;

 private:
  struct Source {
    core::Duration expected{};  ///< smoothed
    std::uint32_t load = 0;
    core::Instant updated{};
  };
  core::Duration expected(const placement::Candidate& source, const placement::Directory& directory) const;

  const core::Clock& clock_;
  mutable std::mutex mutex_;  // guards all below
  std::unordered_map<core::NodeId, Source> sources_;
  RecentDurations durations_;
};

}  // namespace kadenza::distributed::streaming
