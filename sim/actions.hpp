// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <functional>

#include "sim/engine.hpp"
#include "sim/pool.hpp"

namespace kadenza::sim {

/// What a scenario does at certain moments: crash this, ask that. For the many small events of a run a
/// handler of its own is cheaper.
class Actions final : public EventHandler {
 public:
  explicit Actions(Engine& engine) : engine_(engine), id_(engine.add_handler(*this)) {}

  void at(core::Instant when, std::function<void()> action) {
    engine_.schedule(when, id_, waiting_.put(std::move(action)));
  }
  void after(core::Duration delay, std::function<void()> action) {
    at(engine_.now() + delay, std::move(action));
  }

  void on_event(std::uint32_t slot) override { waiting_.take(slot)(); }

 private:
  Engine& engine_;
  Engine::HandlerId id_;
  Pool<std::function<void()>> waiting_;
};

}  // namespace kadenza::sim
