// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/kademlia/bucket.hpp"

#include <algorithm>

namespace kadenza::distributed::kademlia {
namespace {

template <class Entries>
auto* find_in(Entries& entries, const NodeId& id) noexcept {
  const auto found = std::find_if(entries.begin(), entries.end(),
                                  [&](const Entry& entry) { return entry.contact.id == id; });
  return found == entries.end() ? nullptr : &*found;
}

/// Whether `a` is the better replacement.
bool better(const Entry& a, const Entry& b) noexcept {
  if (a.rtt.known() != b.rtt.known()) return a.rtt.known();
  if (a.rtt.known()) return a.rtt.smoothed() < b.rtt.smoothed();
  return a.checked > b.checked;
}

}  // namespace

void make_room(std::vector<Entry>& entries, std::size_t limit) {
  if (entries.size() < entries.capacity()) return;
  entries.reserve(std::min(limit, entries.size() + (limit + 3) / 4));
}

Entry* Bucket::find_live(const NodeId& id) noexcept {
  return find_in(live, id);
}
Entry* Bucket::find_cached(const NodeId& id) noexcept {
  return find_in(cache, id);
}
const Entry* Bucket::find_live(const NodeId& id) const noexcept {
  return find_in(live, id);
}
const Entry* Bucket::find_cached(const NodeId& id) const noexcept {
  return find_in(cache, id);
}

Entry* Bucket::dead() noexcept {
  const auto worst = std::max_element(live.begin(), live.end(),
                                      [](const Entry& a, const Entry& b) { return a.failures < b.failures; });
  return worst == live.end() || !worst->excluded() ? nullptr : &*worst;
}

Entry* Bucket::much_farther_than(const RttEstimate& rtt) noexcept {
  const auto farthest = std::max_element(live.begin(), live.end(), [](const Entry& a, const Entry& b) {
    return a.rtt.smoothed() < b.rtt.smoothed();
  });
  if (farthest == live.end() || farthest->rtt.smoothed() <= 2 * rtt.smoothed()) return nullptr;
  return &*farthest;
}

void Bucket::remember(const Entry& entry, std::size_t cache_size) {
  if (Entry* known = find_cached(entry.contact.id)) {
    // Hearsay must not move a replacement that has answered us.
    if (entry.rtt.known() || !known->rtt.known()) *known = entry;
    return;
  }
  if (cache_size == 0) return;
  if (cache.size() < cache_size) {
    make_room(cache, cache_size);
    cache.push_back(entry);
    return;
  }
  const auto worst = std::max_element(cache.begin(), cache.end(), better);
  if (better(entry, *worst)) *worst = entry;
}

void Bucket::forget_cached(const NodeId& id) noexcept {
  std::erase_if(cache, [&](const Entry& entry) { return entry.contact.id == id; });
}

}  // namespace kadenza::distributed::kademlia
