// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/kademlia/request_book.hpp"

#include <algorithm>
#include <utility>

namespace kadenza::distributed::kademlia {

RequestBook::Slot RequestBook::open(Request request, core::Random& random) {
  do {
    request.transaction = random.next();
  } while (request.transaction == 0 || by_transaction_.contains(request.transaction));
  Slot slot;
  if (free_.empty()) {
    slot = static_cast<Slot>(places_.size());
    places_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  places_[slot].request = request;
  by_transaction_.emplace(request.transaction, slot);
  heap_.push_back(slot);
  places_[slot].heap_index = static_cast<std::uint32_t>(heap_.size() - 1);
  rise(heap_.size() - 1);
  return slot;
}

void RequestBook::close(Slot slot) {
  by_transaction_.erase(places_[slot].request.transaction);
  const std::size_t index = places_[slot].heap_index;
  const Slot last = heap_.back();
  heap_.pop_back();
  if (last != slot) {
    set(index, last);
    rise(index);
    sink(places_[last].heap_index);
  }
  free_.push_back(slot);
}

RequestBook::Slot RequestBook::find(std::uint64_t transaction) const {
  const auto found = by_transaction_.find(transaction);
  return found == by_transaction_.end() ? kNone : found->second;
}

RequestBook::Slot RequestBook::due(Instant now) const {
  return heap_.empty() || deadline_at(0) > now ? kNone : heap_.front();
}

void RequestBook::postpone(Slot slot, Instant deadline) {
  places_[slot].request.deadline = deadline;
  rise(places_[slot].heap_index);
  sink(places_[slot].heap_index);
}

RequestBook::Slot RequestBook::waiting_for(const Endpoint& endpoint) const {
  const auto found = std::find_if(heap_.begin(), heap_.end(),
                                  [&](Slot slot) { return places_[slot].request.to.endpoint == endpoint; });
  return found == heap_.end() ? kNone : *found;
}

Instant RequestBook::next_deadline() const {
  return heap_.empty() ? Instant::max() : deadline_at(0);
}

void RequestBook::set(std::size_t heap_index, Slot slot) {
  heap_[heap_index] = slot;
  places_[slot].heap_index = static_cast<std::uint32_t>(heap_index);
}

void RequestBook::rise(std::size_t heap_index) {
  const Slot slot = heap_[heap_index];
  const Instant deadline = places_[slot].request.deadline;
  while (heap_index > 0) {
    const std::size_t parent = (heap_index - 1) / 2;
    if (deadline_at(parent) <= deadline) break;
    set(heap_index, heap_[parent]);
    heap_index = parent;
  }
  set(heap_index, slot);
}

void RequestBook::sink(std::size_t heap_index) {
  const Slot slot = heap_[heap_index];
  const Instant deadline = places_[slot].request.deadline;
  for (;;) {
    std::size_t child = 2 * heap_index + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && deadline_at(child + 1) < deadline_at(child)) ++child;
    if (deadline <= deadline_at(child)) break;
    set(heap_index, heap_[child]);
    heap_index = child;
  }
  set(heap_index, slot);
}

}  // namespace kadenza::distributed::kademlia
