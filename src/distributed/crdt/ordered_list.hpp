// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "distributed/crdt/causal_context.hpp"
#include "distributed/crdt/stamp.hpp"

namespace kadenza::distributed::crdt {

/// A list that several may edit at the same time. An item is named by the stamp of its insertion, keeps its
/// value, and stands where it was moved last; a removal wins over moves. Items are ordered by position, then
/// by name. Without tombstones; whole states are merged, never parts: commutative, associative, idempotent.
/// Pure; one owner.
class OrderedList {
 public:
  struct Item {
    std::string value;
    std::string position;
    Stamp moved;

    friend bool operator==(const Item&, const Item&) = default;
  };
  using Items = std::map<Stamp, Item>;
  struct Place {
    Stamp id;
    const std::string* value = nullptr;
  };

  OrderedList() = default;
  /// Items beyond the context are seen from now on.
  OrderedList(Items items, CausalContext context);

  /// `index` counts the items before it; beyond the end means at the end. `stamp` must be this writer's
  /// latest and becomes the item's name.
  void insert(std::size_t index, std::string value, Stamp stamp);
  /// `index` counts the other items before it. False when there is no such item.
  bool move(Stamp id, std::size_t index, Stamp stamp);
  bool remove(Stamp id);

  /// In order. The values are valid until the next change.
  std::vector<Place> in_order() const;
  std::size_t size() const noexcept { return items_.size(); }
  const Items& items() const noexcept { return items_; }
  const CausalContext& context() const noexcept { return context_; }

  bool merge(const OrderedList& other);
  Stamp newest() const;
  /// Drops what is remembered of writers who have nothing in the list and inserted last before `moment`.
  void forget_removals(core::WallTime moment);

  friend bool operator==(const OrderedList&, const OrderedList&) = default;

 private:
  std::vector<Items::iterator> sorted();
  std::string make_room(std::vector<Items::iterator> others, std::size_t index, Stamp stamp);

  Items items_;
  CausalContext context_;
};

}  // namespace kadenza::distributed::crdt
