// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/repair/pace.hpp"

#include <algorithm>

#include "core/check.hpp"

namespace kadenza::distributed::repair {
namespace {

constexpr std::uint64_t kBusyDivisor = 4;
/// A piece of 256 KiB comes within this from any node that is worth copying from.
constexpr auto kCallTime = std::chrono::seconds(20);

}  // namespace

Pace::Pace(const core::Clock& clock, core::Timers& timers, std::uint64_t bytes_per_second,
           std::function<bool()> busy)
    : clock_(clock), timers_(timers), rate_(bytes_per_second), busy_(std::move(busy)) {
  KADENZA_CHECK(rate_ > 0);
}

core::Task<void> Pace::turn() {
  while (true) {
    core::Instant next;
    {
      const std::lock_guard lock(mutex_);
      next = next_;
    }
    if (clock_.now() >= next) co_return;
    co_await timers_.sleep_until(next);
  }
}

void Pace::spent(std::uint64_t bytes) {
  const auto rate = busy_() ? std::max<std::uint64_t>(1, rate_ / kBusyDivisor) : rate_;
  const std::chrono::duration<double> takes(static_cast<double>(bytes) / static_cast<double>(rate));
  const std::lock_guard lock(mutex_);
  next_ = std::max(next_, clock_.now()) + std::chrono::duration_cast<core::Duration>(takes);
}

core::Task<core::Result<std::string>> PacedPeers::call(kademlia::Contact to, std::string_view path,
                                                       std::string request, core::Deadline deadline) {
  const auto time = std::min<core::Duration>(deadline - clock_.now(), kCallTime);
  co_await pace_.turn();
  auto answer = co_await calls_.call(to, path, std::move(request), clock_.now() + time);
  if (answer) pace_.spent(answer->size());
  co_return answer;
}

}  // namespace kadenza::distributed::repair
