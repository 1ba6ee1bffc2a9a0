// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/repair/scrubber.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

#include "core/planted_bugs.hpp"

namespace kadenza::distributed::repair {
namespace {

constexpr std::uint64_t kChunksAtOnce = 16;
constexpr auto kPauseMin = std::chrono::seconds(1);

}  // namespace

core::Task<void> Scrubber::run() {
  for (auto& byte : start_.bytes) byte = static_cast<std::uint8_t>(parts_.random.below(256));
  while (true) {
    const auto begun = parts_.clock.now();
    co_await pass();
    parts_.book.write([](auto& state) {
      ++state.scrub_passes;
      state.scrub_progress = 1;
    });
    co_await parts_.timers.sleep_until(std::max(begun + parts_.every, parts_.clock.now() + kPauseMin));
  }
}

core::Task<void> Scrubber::pass() {
  const auto all = std::max<std::uint64_t>(1, parts_.held.total().bytes);
  std::uint64_t done = 0;
  bool wrapped = false;
  auto at = start_;
  while (true) {
    const auto next = parts_.held.next_after(at);
    if (!next || (wrapped && start_ < next->version.id)) {
      if (wrapped) co_return;
      wrapped = true;
      at = {};
      continue;
    }
    at = next->version.id;
    co_await scrub(*next);
    done += next->bytes;
    parts_.book.write([&](auto& state) {
      state.scrub_progress = std::min(1.0, static_cast<double>(done) / static_cast<double>(all));
    });
  }
}

core::Task<void> Scrubber::scrub(HeldCopy song) {
  if (core::planted(core::PlantedBug::kNoScrubbing)) co_return;
  const auto verified = co_await verify_song(parts_.songs, parts_.pace, song);
  if (!verified) {
    spdlog::debug("scrubbing song {}: {}", song.version.id.text(), verified.error().detail);
    co_return;
  }
  parts_.book.write([&](auto& state) { state.scrubbed_bytes += song.bytes; });
}

core::Task<core::Result<void>> verify_song(services::library::SongStore& songs, Pace& pace, HeldCopy song) {
  const auto chunks = (song.bytes + core::kChunkBytes - 1) / core::kChunkBytes;
  for (std::uint64_t first = 0; first < chunks; first += kChunksAtOnce) {
    auto turn = co_await pace.turn();
    auto verified = co_await songs.verify(song.version.id, first, kChunksAtOnce);
    turn.spent(std::min(song.bytes - first * core::kChunkBytes, kChunksAtOnce * core::kChunkBytes));
    if (!verified) co_return verified;
  }
  co_return core::Result<void>();
}

}  // namespace kadenza::distributed::repair
