// SPDX-License-Identifier: AGPL-3.0-or-later
#include "sim/library_faults.hpp"

#include <chrono>
#include <utility>

namespace kadenza::sim {
namespace {

using core::Task;
using namespace std::chrono_literals;

constexpr core::Duration kDiskSync = 5ms;
constexpr core::Duration kDepartureMax = 3min;
constexpr core::Duration kCommitMax = 3s;  // how long a crash waits for one to cut

}  // namespace

LibraryFaults::LibraryFaults(LibraryWorld& world) : world_(world), random_(world.engine().random().fork()) {}

void LibraryFaults::begin(core::Instant until) {
  until_ = until;
  const auto& options = world_.options();
  world_.network().faults.loss = options.loss;
  now_and_then(options.crashes, [this] { return crash(); });
  now_and_then(options.lost_disks, [this] { return lose_disk(); });
  now_and_then(options.rot, [this] { return rot(); });
  now_and_then(options.stalls, [this] { return stall(); });
  now_and_then(options.partitions, [this] { return partition(); });
  now_and_then(options.slow_disks, [this] { return slow_down(); });
  now_and_then(options.departures, [this] { return depart(); });
  for (auto i = world_.hosts().size() - options.late_hosts; i < world_.hosts().size(); ++i) {
    world_.spawn([this, i] { return join_late(i); });
  }
}

void LibraryFaults::now_and_then(double per_minute, std::function<Task<void>()> fault) {
  if (per_minute <= 0) return;
  world_.spawn([this, per_minute, fault = std::move(fault)] { return repeat(per_minute, fault); });
}

/// Each one begins at its time, whether or not the one before has ended.
Task<void> LibraryFaults::repeat(double per_minute, std::function<Task<void>()> fault) {
  while (true) {
    const auto pause = random_.exponential(60'000 / per_minute);
    co_await world_.timers().sleep_until(world_.now() +
                                         std::chrono::milliseconds(static_cast<std::int64_t>(pause)));
    if (world_.now() >= until_) co_return;
    world_.spawn(fault);
  }
}

Task<void> LibraryFaults::rest(std::int64_t seconds_min, std::int64_t seconds_max) {
  const auto time = std::chrono::milliseconds(random_.between(seconds_min * 1000, seconds_max * 1000));
  co_await world_.timers().sleep_until(world_.now() + time);
}

LibraryHost* LibraryFaults::some_host() {
  const auto running = world_.running();
  return running.empty() ? nullptr : running[random_.below(running.size())];
}

void LibraryFaults::come_back(LibraryHost& host) {
  if (!over_ && host.member && !host.running()) world_.start(host);
}

/// Crashes at any moment seldom meet one: it takes a few milliseconds.
Task<void> LibraryFaults::wait_for_a_commit(const LibraryHost& host) {
  for (const auto end = world_.now() + kCommitMax; world_.now() < end && !host.disk.is_syncing();) {
    co_await world_.timers().sleep_until(world_.now() + 1ms);
  }
}

Task<void> LibraryFaults::crash() {
  auto* host = some_host();
  if (!host) co_return;
  if (random_.chance(0.5)) co_await wait_for_a_commit(*host);
  if (!host->running() || world_.running().size() < 2) co_return;
  world_.happened("crashes");
  world_.crash(*host);
  co_await rest(1, 60);
  come_back(*host);
}

/// One at a time: a promise to keep a song does not outlive the disk of who gave it.
Task<void> LibraryFaults::lose_disk() {
  const bool too_soon = last_lost_disk_ != core::Instant{} &&
                        world_.now() - last_lost_disk_ < world_.options().promise + world_.options().grace;
  auto* host = some_host();
  if (!host || too_soon || world_.running().size() < 3) co_return;
  world_.crash(*host);
  if (world_.replace_disk(*host)) {
    last_lost_disk_ = world_.now();
    world_.happened("lost disks");
  }
  co_await rest(1, 40);
  come_back(*host);
}

Task<void> LibraryFaults::rot() {
  if (auto* host = some_host(); host && world_.rot(*host, random_)) world_.happened("flipped bits");
  co_return;
}

/// As SIGSTOP does: it neither answers nor closes connections.
Task<void> LibraryFaults::stall() {
  auto* host = some_host();
  if (!host) co_return;
  world_.happened("stalls");
  world_.network().set_up(host->address, false);
  co_await rest(1, 40);
  world_.network().set_up(host->address, true);
}

Task<void> LibraryFaults::partition() {
  for (auto& host : world_.hosts()) {
    world_.network().set_group(host.address, random_.chance(0.4) ? 1 : 0);
  }
  const bool symmetric = random_.chance(0.6);
  world_.happened(symmetric ? "partitions" : "one-way partitions");
  world_.network().cut(0, 1);
  if (symmetric) world_.network().cut(1, 0);
  co_await rest(5, 60);
  world_.network().heal();
}

Task<void> LibraryFaults::slow_down() {
  auto* host = some_host();
  if (!host) co_return;
  world_.happened("slow disks");
  host->disk.sync = std::chrono::milliseconds(random_.between(200, 6'000));
  co_await rest(5, 40);
  host->disk.sync = kDiskSync;
}

/// Empties itself first, and stays when that takes too long.
Task<void> LibraryFaults::depart() {
  auto* host = some_host();
  if (!host || world_.members() <= world_.options().settings.replicas + 1) co_return;
  auto* process = host->running();
  process->member().leave();
  world_.happened("departures begun");
  for (const auto end = world_.now() + kDepartureMax; world_.now() < end;) {
    co_await rest(1, 1);
    if (over_ || !process->alive()) co_return;
    const auto state = process->member().repair_state();
    if (state.departure && state.departure->done && world_.is_known_elsewhere(*host)) {
      world_.happened("departures");
      world_.depart(*host);
      co_return;
    }
  }
  process->member().stay();
}

Task<void> LibraryFaults::join_late(std::size_t host) {
  co_await rest(5, 150);
  auto& late = world_.hosts()[host];
  while (!over_ && !late.member) {
    if (co_await world_.enrol(late)) world_.happened("late hosts");
    co_await rest(1, 1);
  }
  come_back(late);
}

void LibraryFaults::end() {
  over_ = true;
  world_.network().faults = {};
  world_.network().heal();
  world_.set_clocks_right();
  for (auto& host : world_.hosts()) {
    world_.network().set_up(host.address, true);
    host.disk.sync = kDiskSync;
    if (auto* process = host.running()) process->member().stay();
    if (host.member && !host.running()) world_.start(host);
  }
}

}  // namespace kadenza::sim
