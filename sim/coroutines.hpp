// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <boost/asio.hpp>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/task.hpp"
#include "core/timers.hpp"
#include "sim/engine.hpp"
#include "sim/pool.hpp"
#include "sim/suspension.hpp"

namespace kadenza::sim {

/// The io_context of a simulated world: it is polled until idle before virtual time jumps to the next event,
/// so coroutines run as they do in production, but in one order only. One per engine; it must outlive
/// whatever suspends coroutines (sleeps, calls) and nothing may post to it from another thread.
class Coroutines {
 public:
  explicit Coroutines(Engine& engine);
  ~Coroutines();
  boost::asio::io_context& context() { return context_; }

 private:
  Engine& engine_;
  boost::asio::io_context context_{1};
};

/// Waiting for virtual time.
class Sleeps final : public EventHandler {
 public:
  explicit Sleeps(Engine& engine) : engine_(engine), id_(engine.add_handler(*this)) {}

  /// kCancelled when the coroutine was cancelled meanwhile.
  core::Task<core::Result<>> sleep_until(core::Instant when);
  core::Task<core::Result<>> sleep_for(core::Duration duration) {
    return sleep_until(engine_.now() + duration);
  }

  void on_event(std::uint32_t slot) override;

 private:
  void cancel(std::uint32_t slot);

  Engine& engine_;
  Engine::HandlerId id_;
  Pool<Suspension<core::Result<>>> waiting_;  // a slot is freed by its event, also when cancelled before
};

/// Virtual time for code that waits by core::Timers.
class SimTimers final : public core::Timers {
 public:
  explicit SimTimers(Engine& engine) : sleeps_(engine) {}

  core::Task<void> sleep_until(core::Instant when) override {
    const auto slept = co_await sleeps_.sleep_until(when);
    if (!slept) throw boost::system::system_error(boost::asio::error::operation_aborted);
  }

 private:
  Sleeps sleeps_;
};

}  // namespace kadenza::sim
