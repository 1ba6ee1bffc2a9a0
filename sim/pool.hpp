// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace kadenza::sim {

/// Values in numbered slots that are used again, so that millions of events allocate nothing once the run is
/// warm. The numbers are handed out in the same order in every run. A reference into the pool is good until
/// the next put().
template <class T>
class Pool {
 public:
  using Slot = std::uint32_t;

  Slot put(T value) {
    if (free_.empty()) {
      values_.push_back(std::move(value));
      return static_cast<Slot>(values_.size() - 1);
    }
    const Slot slot = free_.back();
    free_.pop_back();
    values_[slot] = std::move(value);
    return slot;
  }

  T& operator[](Slot slot) { return values_[slot]; }

  T take(Slot slot) {
    T value = std::move(values_[slot]);
    free_.push_back(slot);
    return value;
  }

 private:
  std::vector<T> values_;
  std::vector<Slot> free_;
};

}  // namespace kadenza::sim
