// SPDX-License-Identifier: AGPL-3.0-or-later
#include "sim/coroutines.hpp"

namespace kadenza::sim {

Coroutines::Coroutines(Engine& engine) : engine_(engine) {
  engine_.set_ready_work([this] {
    context_.restart();  // poll() stops the context when it runs out of work
    return context_.poll() > 0;
  });
}

Coroutines::~Coroutines() {
  engine_.set_ready_work(nullptr);
}

core::Task<core::Result<>> Sleeps::sleep_until(core::Instant when) {
  const std::uint32_t slot = waiting_.put({});
  engine_.schedule(when, id_, slot);
  co_return co_await Suspension<core::Result<>>::suspend(
      [this, slot](Suspension<core::Result<>> suspension) { waiting_[slot] = std::move(suspension); },
      [this, slot] { cancel(slot); });
}

void Sleeps::on_event(std::uint32_t slot) {
  auto suspension = waiting_.take(slot);
  if (suspension) suspension.resume({});
}

void Sleeps::cancel(std::uint32_t slot) {
  auto suspension = std::exchange(waiting_[slot], {});
  if (suspension) suspension.resume(core::fail(core::Errc::kCancelled));
}

}  // namespace kadenza::sim
