// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/repair/pace.hpp"

#include <algorithm>

#include "core/check.hpp"

namespace kadenza::distributed::repair {
namespace {

constexpr int kBusyDivisor = 4;
/// A piece of 256 KiB comes within this from any node that is worth copying from.
constexpr auto kCallTime = std::chrono::seconds(20);

}  // namespace

Pace::Turn::Turn(Pace& pace) : pace_(&pace) {
  const auto now = pace.now();
  const std::lock_guard lock(pace.mutex_);
  begins_ = std::max(pace.next_, now);
  reserved_ = pace.expected_;
  pace.next_ = begins_ + reserved_;
}

Pace::Turn::~Turn() {
  if (pace_) pace_->settle(reserved_, {});
}

void Pace::Turn::spent(std::uint64_t bytes) {
  auto* pace = std::exchange(pace_, nullptr);
  pace->settle(reserved_, pace->time_for(bytes));
}

Pace::Pace(const core::Clock& clock, core::Timers& timers, std::uint64_t bytes_per_second,
           std::function<core::Duration()> served)
    : clock_(clock), timers_(timers), rate_(bytes_per_second), served_(std::move(served)) {
  KADENZA_CHECK(rate_ > 0);
  expected_ = time_for(peers::kPieceBytes);
}

core::Duration Pace::time_for(std::uint64_t bytes) const {
  const std::chrono::duration<double> seconds(static_cast<double>(bytes) / static_cast<double>(rate_));
  return std::chrono::duration_cast<core::Duration>(seconds);
}

core::Instant Pace::now() const {
  const auto served = served_();
  return clock_.now() - (served - served / kBusyDivisor);
}

core::Task<Pace::Turn> Pace::turn() {
  Turn turn(*this);
  for (auto now = this->now(); now < turn.begins_; now = this->now()) {
    co_await timers_.sleep_until(clock_.now() + (turn.begins_ - now));
  }
  co_return turn;
}

void Pace::settle(core::Duration reserved, core::Duration taken) {
  const std::lock_guard lock(mutex_);
  next_ += taken - reserved;
  if (taken > core::Duration{}) expected_ = std::max(taken, expected_ - expected_ / 4);
}

core::Task<core::Result<std::string>> PacedPeers::call(kademlia::Contact to, std::string_view path,
                                                       std::string request, core::Deadline deadline) {
  const auto time = std::min<core::Duration>(deadline - clock_.now(), kCallTime);
  auto turn = co_await pace_.turn();
  auto answer = co_await calls_.call(to, path, std::move(request), clock_.now() + time);
  if (answer) turn.spent(answer->size());
  co_return answer;
}

}  // namespace kadenza::distributed::repair
