// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/repair/mender.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

namespace kadenza::distributed::repair {
namespace {

constexpr auto kLook = std::chrono::seconds(1);
constexpr core::Duration kFirstPause = std::chrono::seconds(2);
constexpr core::Duration kLastPause = std::chrono::minutes(10);

}  // namespace

void Mender::note(const core::SongId& id) {
  {
    const std::lock_guard lock(mutex_);
    if (pending_.size() >= kPendingMax) return;
    if (!pending_.try_emplace(id, clock_.now(), kFirstPause).second) return;
  }
  book_.write([](auto& state) { ++state.rotten; });
  spdlog::error("the disk lost bytes of song {}; they are copied from another node", id.text());
}

std::optional<core::SongId> Mender::due() {
  const auto now = clock_.now();
  const std::lock_guard lock(mutex_);
  for (auto& [id, attempt] : pending_) {
    if (attempt.at > now) continue;
    attempt.at = now + attempt.pause;
    attempt.pause = std::min(2 * attempt.pause, kLastPause);
    return id;
  }
  return std::nullopt;
}

core::Task<void> Mender::run() {
  while (true) {
    co_await timers_.sleep_until(clock_.now() + kLook);
    for (auto id = due(); id; id = due()) co_await mend(*id);
  }
}

core::Task<void> Mender::mend(core::SongId id) {
  const auto mended = co_await fetcher_.mend(id);
  if (mended) {
    book_.write([](auto& state) { ++state.healed; });
    spdlog::info("song {} is whole again", id.text());
  } else if (mended.error().code != core::Errc::kNotFound) {
    spdlog::warn("song {} cannot be made whole yet: {}", id.text(), mended.error().detail);
    co_return;
  }
  const std::lock_guard lock(mutex_);
  pending_.erase(id);
}

}  // namespace kadenza::distributed::repair
