// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "core/clock.hpp"
#include "core/ids.hpp"
#include "distributed/placement/directory.hpp"

namespace kadenza::distributed::streaming {

/// How much longer than expected the latest answers took, and the 95th percentile of it. Not thread-safe.
class RecentDelays {
 public:
  void add(double ratio);
  /// Nothing until there are enough of them to speak of a percentile.
  std::optional<double> p95() const;

 private:
  static constexpr std::size_t kKept = 128;
  static constexpr std::size_t kEnough = 20;
  static constexpr std::size_t kRecomputeEvery = 8;

  std::array<double, kKept> ratios_{};
  std::size_t count_ = 0;
  double p95_ = 0;
};

/// A source, and how soon it should answer.
struct Source {
  kademlia::Contact contact;
  core::Duration expected{};
};

/// How quickly each source answered this node's reads lately, and how busy it said it was. One for a node;
/// thread-safe, one lock that is never held across a suspension.
class SourceBook {
 public:
  explicit SourceBook(const core::Clock& clock) : clock_(clock) {}

  /// A verified answer after `took`.
  void answered(const Source& source, core::Duration took, std::uint32_t load);
  /// No usable answer, or none before another source had given one: it took at least this long.
  void slower_than(const core::NodeId& source, core::Duration waited);

  /// The sources, those first that should answer soonest: by measured time, weighed with their load; for one
  /// not read from lately, by its round trip and what a new connection costs; silent ones come last. Keeps
  /// the order of equals.
  std::vector<Source> ranked(const std::vector<placement::Candidate>& candidates,
                             const placement::Directory& directory) const;
  Source source(const placement::Candidate& candidate, const placement::Directory& directory) const;

  /// How long to wait for a source before another one is asked too: longer than 95 % of the answers take,
  /// measured by what was expected of each, because a far one is not a slow one.
  core::Duration patience(const Source& source) const;

 private:
  struct Known {
    core::Duration expected{};  ///< smoothed
    std::uint32_t load = 0;
    core::Instant updated{};
  };
  core::Duration expected(const placement::Candidate& source, const placement::Directory& directory) const;

  const core::Clock& clock_;
  mutable std::mutex mutex_;  // guards all below
  std::unordered_map<core::NodeId, Known> sources_;
  RecentDelays delays_;
};

}  // namespace kadenza::distributed::streaming
