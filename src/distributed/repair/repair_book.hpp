// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <mutex>

#include "core/network.hpp"

namespace kadenza::distributed::repair {

/// What is told to people of the repair. Thread-safe.
class RepairBook {
 public:
  core::RepairState read() const {
    const std::lock_guard lock(mutex_);
    return state_;
  }
  template <class Change>
  void write(Change change) {
    const std::lock_guard lock(mutex_);
    change(state_);
  }

 private:
  mutable std::mutex mutex_;
  core::RepairState state_;
};

}  // namespace kadenza::distributed::repair
