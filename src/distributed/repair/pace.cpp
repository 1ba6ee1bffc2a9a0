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

Pace::Line::Line(std::uint64_t bytes_per_second) : rate(bytes_per_second) {
  KADENZA_CHECK(rate > 0);
  expected = time_for(peers::kPieceBytes);
}

core::Duration Pace::Line::time_for(std::uint64_t bytes) const {
  const std::chrono::duration<double> seconds(static_cast<double>(bytes) / static_cast<double>(rate));
  return std::chrono::duration_cast<core::Duration>(seconds);
}

void Pace::Line::settle(core::Duration reserved, core::Duration taken) {
  const std::lock_guard lock(mutex);
  next += taken - reserved;
  if (taken > core::Duration{}) expected = std::max(taken, expected - expected / 4);
}

Pace::Turn::Turn(std::shared_ptr<Line> line, core::Instant now) : line_(std::move(line)) {
  const std::lock_guard lock(line_->mutex);
  begins_ = std::max(line_->next, now);
  reserved_ = line_->expected;
  line_->next = begins_ + reserved_;
}

Pace::Turn::~Turn() {
  if (line_) line_->settle(reserved_, {});
}

void Pace::Turn::spent(std::uint64_t bytes) {
  const auto line = std::exchange(line_, nullptr);
  line->settle(reserved_, line->time_for(bytes));
}

Pace::Pace(const core::Clock& clock, core::Timers& timers, std::uint64_t bytes_per_second,
           std::function<core::Duration()> served)
    : clock_(clock),
      timers_(timers),
      served_(std::move(served)),
      line_(std::make_shared<Line>(bytes_per_second)) {}

core::Instant Pace::now() const {
  const auto served = served_();
  return clock_.now() - (served - served / kBusyDivisor);
}

core::Task<Pace::Turn> Pace::turn() {
  Turn turn(line_, now());
  for (auto now = this->now(); now < turn.begins_; now = this->now()) {
    co_await timers_.sleep_until(clock_.now() + (turn.begins_ - now));
  }
  co_return turn;
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
