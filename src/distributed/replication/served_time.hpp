// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <mutex>

#include "core/clock.hpp"

namespace kadenza::distributed::replication {

/// How many calls of others are being served, and for how long that was at least one, all in all.
/// Thread-safe; one lock.
class ServedTime {
 public:
  explicit ServedTime(const core::Clock& clock) : clock_(clock) {}

  /// One of the calls, for as long as it lives; or nothing, when it does not count.
  class Call {
   public:
    Call(ServedTime& served, bool counts) : served_(counts ? &served : nullptr) {
      if (served_) served_->begin();
    }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    ~Call() {
      if (served_) served_->end();
    }

   private:
    ServedTime* const served_;
  };

  std::uint32_t under_way() const {
    const std::lock_guard lock(mutex_);
    return under_way_;
  }
  core::Duration total() const {
    const std::lock_guard lock(mutex_);
    return total_ + (under_way_ > 0 ? clock_.now() - since_ : core::Duration{});
  }

 private:
  void begin() {
    const std::lock_guard lock(mutex_);
    if (under_way_++ == 0) since_ = clock_.now();
  }
  void end() {
    const std::lock_guard lock(mutex_);
    if (--under_way_ == 0) total_ += clock_.now() - since_;
  }

  const core::Clock& clock_;
  mutable std::mutex mutex_;  // guards all below
  std::uint32_t under_way_ = 0;
  core::Instant since_{};  ///< when it became more than none
  core::Duration total_{};
};

}  // namespace kadenza::distributed::replication
