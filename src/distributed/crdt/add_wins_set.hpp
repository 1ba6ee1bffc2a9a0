// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "distributed/crdt/causal_context.hpp"
#include "distributed/crdt/stamp.hpp"

namespace kadenza::distributed::crdt {

/// A set from which a removal takes what it has seen: an addition elsewhere at the same time stays (the
/// optimised observed-remove set of Bieniusa et al. 2012; an addition's dot is its stamp). Without
/// tombstones. Whole states are merged, never parts of them: commutative, associative, idempotent. Pure; one
/// owner.
class AddWinsSet {
 public:
  using Dots = std::set<Stamp>;
  using Elements = std::map<std::string, Dots, std::less<>>;

  AddWinsSet() = default;
  /// Dots beyond the context are seen from now on.
  AddWinsSet(Elements elements, CausalContext context);

  /// `stamp` must be this writer's latest.
  void add(std::string_view element, Stamp stamp);
  /// False when it is not there.
  bool remove(std::string_view element);

  bool contains(std::string_view element) const { return elements_.contains(element); }
  const Elements& elements() const noexcept { return elements_; }
  const CausalContext& context() const noexcept { return context_; }

  bool merge(const AddWinsSet& other);
  Stamp newest() const;
  /// Drops what is remembered of writers who have nothing in the set and wrote last before `moment`.
  void forget_removals(core::WallTime moment);

  friend bool operator==(const AddWinsSet&, const AddWinsSet&) = default;

 private:
  Elements elements_;
  CausalContext context_;
};

}  // namespace kadenza::distributed::crdt
