// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <map>
#include <set>

#include "distributed/crdt/stamp.hpp"

namespace kadenza::distributed::crdt {

/// Which additions a replica has seen: of each writer, all up to a time. With it an addition that is missing
/// there is known to have been removed, and needs no tombstone (Bieniusa et al. 2012). It holds because
/// replicas merge whole states, which bring all that a writer did before. Pure; one owner.
class CausalContext {
 public:
  using Times = std::map<Writer, std::uint64_t>;

  CausalContext() = default;
  explicit CausalContext(Times times) : times_(std::move(times)) {}

  bool covers(Stamp dot) const {
    const auto found = times_.find(dot.writer);
    return found != times_.end() && dot.time <= found->second;
  }
  /// True when it was not covered.
  bool add(Stamp dot) {
    auto& time = times_[dot.writer];
    if (dot.time <= time) return false;
    time = dot.time;
    return true;
  }
  bool merge(const CausalContext& other) {
    bool changed = false;
    for (const auto& [writer, time] : other.times_) changed |= add({time, writer});
    return changed;
  }
  /// Drops the writers of whom nothing is left and who wrote last before `moment`.
  void forget(core::WallTime moment, const std::set<Writer>& needed) {
    std::erase_if(times_, [&](const auto& entry) {
      return !needed.contains(entry.first) && Stamp{entry.second, 0}.wall() < moment;
    });
  }

  const Times& times() const noexcept { return times_; }
  friend bool operator==(const CausalContext&, const CausalContext&) = default;

 private:
  Times times_;
};

}  // namespace kadenza::distributed::crdt
