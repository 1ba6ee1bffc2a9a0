// SPDX-License-Identifier: AGPL-3.0-or-later
#include "sim/engine.hpp"

#include <algorithm>

namespace kadenza::sim {

namespace {

/// Every simulated world begins on 1 January 2030, so that real and simulated dates are not confused.
constexpr core::WallTime kWorldBegins{std::chrono::sys_days{std::chrono::year{2030} / 1 / 1}};

}  // namespace

Engine::HandlerId Engine::add_handler(EventHandler& handler) {
  handlers_.push_back(&handler);
  return static_cast<HandlerId>(handlers_.size() - 1);
}

void Engine::schedule(core::Instant at, HandlerId handler, std::uint32_t slot) {
  heap_.push_back({std::max(at, now_), sequence_++, handler, slot});
  std::push_heap(heap_.begin(), heap_.end(), Later{});
}

void Engine::do_ready_work() {
  if (!ready_work_) return;
  while (ready_work_()) {
  }
}

void Engine::run_next() {
  std::pop_heap(heap_.begin(), heap_.end(), Later{});
  const Entry entry = heap_.back();
  heap_.pop_back();
  now_ = entry.at;
  ++events_;
  trace_.mix(static_cast<std::uint64_t>(entry.at.time_since_epoch().count()));
  trace_.mix(std::uint64_t{entry.handler} << 32 | entry.slot);
  handlers_[entry.handler]->on_event(entry.slot);
}

bool Engine::step() {
  do_ready_work();
  if (heap_.empty()) return false;
  run_next();
  return true;
}

void Engine::run_until(core::Instant until) {
  for (;;) {
    do_ready_work();
    if (heap_.empty() || heap_.front().at > until) break;
    run_next();
  }
  now_ = std::max(now_, until);
}

core::WallTime SimClock::wall_now() const noexcept {
  return kWorldBegins + std::chrono::floor<std::chrono::milliseconds>(now().time_since_epoch() + wall_error_);
}

}  // namespace kadenza::sim
