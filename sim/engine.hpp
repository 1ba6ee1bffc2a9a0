// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "core/clock.hpp"
#include "sim/random.hpp"
#include "sim/trace.hpp"

namespace kadenza::sim {

/// A part of the simulated world that has things happen to it later: it keeps its payloads in a Pool of its
/// own and is called with the slot when the moment has come.
class EventHandler {
 public:
  virtual void on_event(std::uint32_t slot) = 0;

 protected:
  ~EventHandler() = default;
};

/// Virtual time and the order of everything. Events at the same instant happen in the order in which they
/// were scheduled. Single-threaded; one engine is one world, and two worlds share nothing (two cores = two
/// processes). Handlers and ready-work must outlive the engine's last step.
class Engine {
 public:
  using HandlerId = std::uint32_t;

  explicit Engine(std::uint64_t seed) : random_(seed) {}
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  core::Instant now() const { return now_; }
  Random& random() { return random_; }
  TraceHash& trace() { return trace_; }
  std::uint64_t events() const { return events_; }

  HandlerId add_handler(EventHandler& handler);

  /// An instant in the past means now.
  void schedule(core::Instant at, HandlerId handler, std::uint32_t slot);

  /// Work that becomes ready without time passing (an io_context): run before every jump of virtual time
  /// until it reports that it had nothing to do.
  void set_ready_work(std::function<bool()> run_until_idle) { ready_work_ = std::move(run_until_idle); }

  /// Runs the next event. False when nothing is left to happen.
  bool step();
  /// Runs all events up to and including `until`, then sets the clock to it.
  void run_until(core::Instant until);
  void run_for(core::Duration duration) { run_until(now_ + duration); }
  /// Runs until nothing is left to happen. Never returns for worlds with periodic events.
  void run() {
    while (step()) {
    }
  }

 private:
  struct Entry {
    core::Instant at;
    std::uint64_t sequence;
    HandlerId handler;
    std::uint32_t slot;
  };
  struct Later {
    bool operator()(const Entry& a, const Entry& b) const {
      return a.at != b.at ? a.at > b.at : a.sequence > b.sequence;
    }
  };

  void do_ready_work();
  void run_next();

  core::Instant now_{};
  std::uint64_t sequence_ = 0;
  std::uint64_t events_ = 0;
  Random random_;
  TraceHash trace_;
  std::vector<Entry> heap_;
  std::vector<EventHandler*> handlers_;
  std::function<bool()> ready_work_;
};

/// The world's clock as the code under test sees it, with the wall clock of one machine, which may be wrong.
class SimClock final : public core::Clock {
 public:
  explicit SimClock(const Engine& engine, core::Duration wall_error = {})
      : engine_(engine), wall_error_(wall_error) {}

  core::Instant now() const noexcept override { return engine_.now(); }
  core::WallTime wall_now() const noexcept override;

 private:
  const Engine& engine_;
  core::Duration wall_error_;
};

}  // namespace kadenza::sim
