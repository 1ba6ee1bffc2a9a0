// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <optional>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/task.hpp"

namespace kadenza::services::media {

/// Lets so many jobs run at once and so many more wait, first come, first served. Thread-safe: one lock,
/// never held across a wait. Must outlive its slots and waiters.
class JobGate {
 public:
  JobGate(std::size_t running_max, std::size_t waiting_max) : free_(running_max), waiting_max_(waiting_max) {}

  /// The right to run one job; given back by its destruction.
  class Slot {
   public:
    explicit Slot(JobGate& gate) noexcept : gate_(&gate) {}
    Slot(Slot&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
    Slot& operator=(Slot&&) = delete;
    ~Slot() {
      if (gate_ != nullptr) gate_->leave();
    }

   private:
    JobGate* gate_;
  };

  /// kTooManyRequests when too many wait already, kDeadlineExceeded, kCancelled.
  core::Task<core::Result<Slot>> enter(core::Duration wait_max);

  /// The same at once or not at all.
  std::optional<Slot> try_enter();

 private:
  struct Waiter;

  void leave() noexcept;
  /// Takes a waiter out of the queue; false when it was given a place already.
  bool withdraw(const Waiter& waiter) noexcept;

  std::mutex mutex_;
  std::size_t free_;
  const std::size_t waiting_max_;
  std::list<std::shared_ptr<Waiter>> waiters_;
};

}  // namespace kadenza::services::media
