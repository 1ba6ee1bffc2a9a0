// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/crdt/ordered_list.hpp"

#include <algorithm>
#include <tuple>

#include "distributed/crdt/position.hpp"

namespace kadenza::distributed::crdt {
namespace {

bool before(const OrderedList::Items::value_type& a, const OrderedList::Items::value_type& b) {
  return std::tie(a.second.position, a.first) < std::tie(b.second.position, b.first);
}

bool take_move(OrderedList::Item& mine, const OrderedList::Item& theirs) {
  if (std::tie(theirs.moved, theirs.position, theirs.value) <=
      std::tie(mine.moved, mine.position, mine.value)) {
    return false;
  }
  mine = theirs;
  return true;
}

}  // namespace

OrderedList::OrderedList(Items items, CausalContext context)
    : items_(std::move(items)), context_(std::move(context)) {
  for (const auto& [id, item] : items_) context_.add(id);
}

std::vector<OrderedList::Items::iterator> OrderedList::sorted() {
  std::vector<Items::iterator> order;
  order.reserve(items_.size());
  for (auto item = items_.begin(); item != items_.end(); ++item) order.push_back(item);
  std::ranges::sort(order, [](auto a, auto b) { return before(*a, *b); });
  return order;
}

/// The position between others[index - 1] and others[index]; when nothing fits there, all are placed anew.
std::string OrderedList::make_room(std::vector<Items::iterator> others, std::size_t index, Stamp stamp) {
  index = std::min(index, others.size());
  const std::string_view left = index == 0 ? std::string_view() : others[index - 1]->second.position;
  const std::string_view right = index == others.size() ? std::string_view() : others[index]->second.position;
  if (auto position = position_between(left, right)) return std::move(*position);
  for (std::size_t i = 0; i < others.size(); ++i) {
    others[i]->second.position = position_at(i < index ? i : i + 1);
    others[i]->second.moved = stamp;
  }
  return position_at(index);
}

void OrderedList::insert(std::size_t index, std::string value, Stamp stamp) {
  std::string position = make_room(sorted(), index, stamp);
  context_.add(stamp);
  items_.insert_or_assign(stamp, Item{std::move(value), std::move(position), stamp});
}

bool OrderedList::move(Stamp id, std::size_t index, Stamp stamp) {
  const auto item = items_.find(id);
  if (item == items_.end()) return false;
  auto others = sorted();
  std::erase(others, item);
  item->second.position = make_room(std::move(others), index, stamp);
  item->second.moved = stamp;
  return true;
}

bool OrderedList::remove(Stamp id) {
  return items_.erase(id) > 0;
}

std::vector<OrderedList::Place> OrderedList::in_order() const {
  std::vector<const Items::value_type*> order;
  order.reserve(items_.size());
  for (const auto& item : items_) order.push_back(&item);
  std::ranges::sort(order, [](const auto* a, const auto* b) { return before(*a, *b); });
  std::vector<Place> places;
  places.reserve(order.size());
  for (const auto* item : order) places.push_back({item->first, &item->second.value});
  return places;
}

bool OrderedList::merge(const OrderedList& other) {
  bool changed = std::erase_if(items_, [&](const auto& item) {
                   return !other.items_.contains(item.first) && other.context_.covers(item.first);
                 }) > 0;
  for (const auto& [id, theirs] : other.items_) {
    const auto mine = items_.find(id);
    if (mine != items_.end()) {
      changed |= take_move(mine->second, theirs);
    } else if (!context_.covers(id)) {
      items_.emplace(id, theirs);
      changed = true;
    }
  }
  return context_.merge(other.context_) || changed;
}

Stamp OrderedList::newest() const {
  Stamp newest;
  for (const auto& [writer, time] : context_.times()) newest = std::max(newest, Stamp{time, writer});
  for (const auto& [id, item] : items_) newest = std::max(newest, item.moved);
  return newest;
}

void OrderedList::forget_removals(core::WallTime moment) {
  std::set<Writer> needed;
  for (const auto& [id, item] : items_) needed.insert(id.writer);
  context_.forget(moment, needed);
}

}  // namespace kadenza::distributed::crdt
