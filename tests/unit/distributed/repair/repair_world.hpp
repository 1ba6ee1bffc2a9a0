// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/background.hpp"
#include "core/random.hpp"
#include "distributed/repair/song_repair.hpp"
#include "tests/unit/distributed/replication/world.hpp"

namespace kadenza::distributed::repair {

using namespace std::chrono_literals;
using replication::Bytes;

/// Nodes that repair what they hold. A dead one is forgotten after the grace period.
class RepairWorld : public replication::World {
 public:
  static constexpr core::Duration kGrace = 60s;

  explicit RepairWorld(std::size_t count, std::uint64_t seed = 1, SongRepair::Options given = {})
      : World(count, seed, {.lookups_find_the_dead = false, .grace = kGrace}), repair_options(given) {
    repairs_.resize(count);
    for (std::size_t i = 0; i < count; ++i) begin_repair(i);
  }
  ~RepairWorld() {
    for (auto& repairs : repairs_) end(repairs);
  }

  /// With its disk as it was, or after nodes[i].disk.replace().
  void start(std::size_t i) {
    World::start(i);
    begin_repair(i);
  }
  void crash(std::size_t i) {
    World::crash(i);
    end(repairs_[i]);
  }
  SongRepair& repair(std::size_t i) { return repairs_[i].back()->repair; }
  core::RepairState sum() {
    core::RepairState sum;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (!nodes[i].running) continue;
      const auto state = repair(i).state();
      sum.under_replicated += state.under_replicated;
      sum.bytes_to_move += state.bytes_to_move;
      sum.songs_copied += state.songs_copied;
      sum.bytes_copied += state.bytes_copied;
      sum.surplus += state.surplus;
      sum.handed_over += state.handed_over;
      sum.rotten += state.rotten;
      sum.healed += state.healed;
    }
    return sum;
  }

  core::Song put(std::size_t through, int number, std::uint64_t version = 0, std::size_t bytes = 100'000) {
    auto audio = sim::pretended_audio("Song " + std::to_string(number), "Somebody", "", version, bytes);
    return must_upload(through, std::move(audio)).song;
  }
  std::set<std::size_t> live_holders(const core::SongId& id) const {
    std::set<std::size_t> live;
    for (const auto i : holding(id)) {
      if (nodes[i].running) live.insert(i);
    }
    return live;
  }
  /// Runs until it holds; whether it did before the time was over.
  bool comes_true(core::Duration time, const std::function<bool()>& condition) {
    for (const auto end = engine.now() + time; engine.now() < end; engine.run_for(100ms)) {
      if (condition()) return true;
    }
    return condition();
  }
  bool all_have(const std::vector<core::Song>& songs, std::size_t copies) {
    return std::ranges::all_of(
        songs, [&](const core::Song& song) { return live_holders(song.id).size() >= copies; });
  }

  SongRepair::Options repair_options;

 private:
  struct Repair {
    Repair(RepairWorld& world, Process& process, std::uint64_t seed)
        : random(seed),
          repair({.directory = *process.directory,
                  .peers = *process.peers,
                  .holder = process.holder,
                  .songs = process.store,
                  .clock = world.clock,
                  .timers = world.timers,
                  .random = random,
                  .executor = world.coroutines.context().get_executor(),
                  .settings = world.settings,
                  .options = world.repair_options}),
          acquaintance(world.coroutines.context().get_executor()) {
      repair.add_methods(process.handlers);
      repair.start();
      // As a node does: it looks for the members every second.
      acquaintance.spawn([&world, directory = process.directory]() -> core::Task<void> {
        while (true) {
          (void)co_await directory->order({}, world.engine.now() + 2s);
          co_await world.timers.sleep_until(world.engine.now() + 1s);
        }
      });
    }

    core::SeededRandom random;
    SongRepair repair;
    core::Background acquaintance;
    bool ended = false;
  };

  void begin_repair(std::size_t i) {
    repairs_[i].push_back(std::make_unique<Repair>(*this, nodes[i].process(), engine.random().next()));
  }
  void end(std::vector<std::unique_ptr<Repair>>& repairs) {
    for (auto& one : repairs) {
      if (std::exchange(one->ended, true)) continue;
      auto stop = [](Repair& repair) -> core::Task<bool> {
        co_await repair.repair.stop();
        co_await repair.acquaintance.stop();
        co_return true;
      };
      wait(stop(*one));
    }
  }

  std::vector<std::vector<std::unique_ptr<Repair>>> repairs_;
};

}  // namespace kadenza::distributed::repair
