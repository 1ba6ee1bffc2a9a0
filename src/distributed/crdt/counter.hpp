// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>

#include "distributed/crdt/stamp.hpp"

namespace kadenza::distributed::crdt {

/// Counts up and down, each writer on its own, so that nothing is counted twice (the PN-counter of Shapiro et
/// al. 2011). Merging is commutative, associative and idempotent; a counter with some of the writers is a
/// delta. Pure; one owner.
class Counter {
 public:
  /// Each writer's sums stop here; enough that the total of all fits its type.
  static constexpr std::uint64_t kSumMax = std::uint64_t{1} << 44;

  struct Sums {
    std::uint64_t up = 0;
    std::uint64_t down = 0;

    friend bool operator==(const Sums&, const Sums&) = default;
  };
  using ByWriter = std::map<Writer, Sums>;

  Counter() = default;
  explicit Counter(ByWriter sums) : sums_(std::move(sums)) {}

  void add(Writer writer, std::uint64_t amount) { raise(sums_[writer].up, amount); }
  void subtract(Writer writer, std::uint64_t amount) { raise(sums_[writer].down, amount); }

  std::int64_t value() const {
    std::int64_t total = 0;
    for (const auto& [writer, sums] : sums_) {
      total += static_cast<std::int64_t>(sums.up) - static_cast<std::int64_t>(sums.down);
    }
    return total;
  }
  const ByWriter& by_writer() const noexcept { return sums_; }

  bool merge(const Counter& other) {
    bool changed = false;
    for (const auto& [writer, theirs] : other.sums_) {
      const auto [mine, added] = sums_.try_emplace(writer);
      const Sums before = mine->second;
      mine->second = {std::max(before.up, theirs.up), std::max(before.down, theirs.down)};
      changed |= added || mine->second != before;
    }
    return changed;
  }

  friend bool operator==(const Counter&, const Counter&) = default;

 private:
  static void raise(std::uint64_t& sum, std::uint64_t amount) { sum += std::min(amount, kSumMax - sum); }

  ByWriter sums_;
};

}  // namespace kadenza::distributed::crdt
