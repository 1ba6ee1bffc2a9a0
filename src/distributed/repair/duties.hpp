// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "core/clock.hpp"
#include "core/ids.hpp"
#include "core/task.hpp"
#include "distributed/cluster/settings.hpp"
#include "distributed/placement/directory.hpp"
#include "distributed/placement/partition.hpp"

namespace kadenza::distributed::repair {

/// Who shall hold the songs of one partition, as this node sees it now.
struct Duty {
  /// The first R of the order; silent ones keep their place for the grace period. When fewer than W of them
  /// live, the next live ones as well, at once: one more loss could be the last.
  std::vector<core::NodeId> keepers;
  /// The first live keeper: the others compare with it, and it with them.
  std::optional<core::NodeId> driver;
  std::size_t silent = 0;  ///< keepers that do not answer

  bool keeps(const core::NodeId& node) const;
  /// Whether these two compare the partition with each other.
  bool pairs(const core::NodeId& a, const core::NodeId& b) const;
};

/// Pure. Whoever leaves is passed over, and so are those in `without`: they have no room.
Duty duty_of(const placement::Order& order, const cluster::Settings& settings,
             const std::vector<core::NodeId>& without = {});

/// The duties of all partitions that this node has songs of, computed from the directory every now and then.
/// Thread-safe.
class Duties {
 public:
  using Map = std::unordered_map<core::NodeId, Duty>;  ///< by the key of the partition
  using Partitions = std::vector<placement::Partition>;

  /// Both outlive it.
  Duties(placement::Directory& directory, cluster::Settings settings)
      : directory_(directory), settings_(settings) {}

  /// Computes them anew for these partitions, in ascending order. Takes about 5 µs for each in a network of
  /// 20, and lets others run in between.
  core::Task<void> renew(std::vector<placement::Partition> partitions, core::Deadline deadline);

  /// As last computed; never null.
  std::shared_ptr<const Map> current() const;
  /// The partitions that this node and the other compare with each other, as last computed, in ascending
  /// order; never null.
  std::shared_ptr<const Partitions> shared_with(const core::NodeId& other) const;

 private:
  struct View {
    Map duties;
    std::unordered_map<core::NodeId, Partitions> shared;  ///< with each of the others
  };
  void add(View& view, const placement::Partition& partition, Duty duty) const;
  std::shared_ptr<const View> view() const;

  placement::Directory& directory_;
  const cluster::Settings settings_;
  mutable std::mutex mutex_;  // guards the one below
  std::shared_ptr<const View> view_ = std::make_shared<const View>();
};

}  // namespace kadenza::distributed::repair
