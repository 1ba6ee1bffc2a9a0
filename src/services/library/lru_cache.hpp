// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <list>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

namespace kadenza::services::library {

/// Keeps the values that were used last, as long as their costs sum to at most `capacity`. Thread-safe.
/// Values are handed out by copy: make them cheap to copy (a shared_ptr to const).
template <class Key, class Value>
class LruCache {
 public:
  explicit LruCache(std::size_t capacity) : capacity_(capacity) {}

  std::optional<Value> get(const Key& key) {
    const std::lock_guard lock(mutex_);
    const auto found = index_.find(key);
    if (found == index_.end()) return std::nullopt;
    entries_.splice(entries_.begin(), entries_, found->second);
    return found->second->value;
  }

  void erase(const Key& key) {
    const std::lock_guard lock(mutex_);
    if (const auto found = index_.find(key); found != index_.end()) erase(found->second);
  }

  /// Replaces what the key had. A value dearer than the whole cache is not kept.
  void put(const Key& key, Value value, std::size_t cost = 1) {
    const std::lock_guard lock(mutex_);
    if (const auto found = index_.find(key); found != index_.end()) erase(found->second);
    if (cost > capacity_) return;
    while (used_ + cost > capacity_) erase(std::prev(entries_.end()));
    entries_.push_front({key, std::move(value), cost});
    index_.emplace(key, entries_.begin());
    used_ += cost;
  }

 private:
  struct Entry {
    Key key;
    Value value;
    std::size_t cost;
  };
  using Position = typename std::list<Entry>::iterator;

  void erase(Position entry) {
    used_ -= entry->cost;
    index_.erase(entry->key);
    entries_.erase(entry);
  }

  const std::size_t capacity_;
  std::mutex mutex_;  // guards all below
  std::size_t used_ = 0;
  std::list<Entry> entries_;  // most recently used first
  std::unordered_map<Key, Position> index_;
};

}  // namespace kadenza::services::library
