// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <algorithm>
#include <chrono>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>

#include "core/check.hpp"
#include "core/identity.hpp"
#include "core/sha256.hpp"
#include "distributed/placement/directory.hpp"
#include "distributed/placement/order.hpp"
#include "distributed/placement/partition.hpp"
#include "distributed/replication/holder.hpp"
#include "distributed/replication/offers.hpp"
#include "distributed/replication/remote_replicas.hpp"
#include "distributed/replication/replicated_upload.hpp"
#include "distributed/replication/replicator.hpp"
#include "distributed/streaming/demand.hpp"
#include "distributed/streaming/remote_songs.hpp"
#include "distributed/streaming/song_cache.hpp"
#include "sim/coroutines.hpp"
#include "sim/engine.hpp"
#include "sim/memory_song_store.hpp"
#include "sim/network.hpp"
#include "sim/peer_network.hpp"

namespace kadenza::distributed::replication {

using core::Errc;
using core::Result;
using sim::pretended_audio;
using Bytes = std::vector<std::uint8_t>;
using Outcome = Result<core::UploadOutcome>;
using namespace std::chrono_literals;

/// Nodes with disks in memory that store songs for each other over the simulator's network. All know each
/// other from the start; a dead one keeps its place in every order, or loses it after the grace period.
class World {
 public:
  static constexpr core::Deadline kNever = core::Deadline::max();

  struct Options {
    bool lookups_find_the_dead = true;
    core::Duration grace = 15min;
    std::map<std::size_t, core::Duration> clock_errors = {};  // how far the node's calendar is ahead
    std::filesystem::path caches = {};                        // where their folders lie; empty: none
  };

  /// What crashes with a node. Kept afterwards: its coroutines may still end.
  struct Process {
    Process(World& world, std::size_t node);

    sim::SimClock clock;
    sim::MemorySongStore store;
    std::unique_ptr<peers::Peers> peers;
    RemoteReplicas replicas{*peers};
    Offers offers;
    std::unique_ptr<streaming::SongCache> cache;
    streaming::Demand demand;
    Holder holder;
    std::shared_ptr<placement::Directory> directory;
    std::shared_ptr<Replicator> replicator;
    std::shared_ptr<streaming::RemoteSongs> remote_songs;
    peers::Handlers handlers;
  };
  struct Node {
    core::NodeId id;
    sim::HostId host = 0;
    sim::MemoryDisk disk;
    std::vector<std::unique_ptr<Process>> processes;
    bool running = false;

    Process& process() { return *processes.back(); }
  };

  explicit World(std::size_t count, std::uint64_t seed = 1) : World(count, seed, Options{}) {}
  World(std::size_t count, std::uint64_t seed, Options given) : options(given), engine(seed) {
    for (std::size_t i = 0; i < count; ++i) {
      auto& node = nodes.emplace_back();
      node.id = {core::sha256("node " + std::to_string(seed) + " " + std::to_string(i)).bytes};
      node.host = peer_network.add(node.id);
    }
    enrolled = count;
    for (std::size_t i = 0; i < count; ++i) start(i);
  }

  void start(std::size_t i) {
    auto& node = nodes[i];
    node.processes.push_back(std::make_unique<Process>(*this, i));
    node.process().holder.add_methods(node.process().handlers);
    peer_network.start(node.host, node.process().handlers);
    node.running = true;
  }
  void crash(std::size_t i) {
    nodes[i].running = false;
    nodes[i].disk.crash();
    peer_network.crash(nodes[i].host);
  }
  /// As SIGSTOP does: it neither answers nor closes connections.
  void hang(std::size_t i, bool hung = true) { network.set_up(nodes[i].host, !hung); }

  kademlia::Contact contact(std::size_t i) const { return peer_network.contact(nodes[i].id); }
  std::vector<kademlia::Contact> contacts_without(std::size_t i) const {
    std::vector<kademlia::Contact> contacts;
    for (std::size_t other = 0; other < nodes.size(); ++other) {
      if (other != i) contacts.push_back(contact(other));
    }
    return contacts;
  }

  core::Duration clock_error(std::size_t i) const {
    const auto found = options.clock_errors.find(i);
    return found == options.clock_errors.end() ? core::Duration{} : found->second;
  }

  /// The nodes in the order of the song's partition.
  std::vector<std::size_t> order(const core::SongId& id) const {
    std::vector<kademlia::Contact> contacts;
    for (std::size_t i = 0; i < nodes.size(); ++i) contacts.push_back(contact(i));
    std::vector<std::size_t> ranked;
    for (const auto& one :
         placement::order(placement::partition_of(id, settings.partition_bits), contacts, 40)) {
      const auto found = std::ranges::find(nodes, one.id, &Node::id);
      ranked.push_back(static_cast<std::size_t>(found - nodes.begin()));
    }
    return ranked;
  }
  std::set<std::size_t> holding(const core::SongId& id) const {
    std::set<std::size_t> holders;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (nodes[i].disk.holds(id)) holders.insert(i);
    }
    return holders;
  }
  /// Whether nobody receives anything and nothing is set aside.
  bool at_rest() {
    return std::ranges::all_of(nodes, [](Node& node) { return node.process().store.receiving == 0; });
  }

  core::Task<Outcome> upload(std::size_t through, Bytes audio, core::Duration time = 60s) {
    auto& process = nodes[through].process();
    const auto deadline = engine.now() + time;
    auto incoming = co_await process.store.receive(audio.size(),
                                                   services::library::SongStore::Purpose::kUpload, deadline);
    if (!incoming) co_return std::unexpected(incoming.error());
    ReplicatedUpload song(process.replicator, std::move(*incoming));
    const auto written = co_await song.write(audio, deadline);
    if (!written) co_return std::unexpected(written.error());
    core::TagOverrides no_overrides;
    co_return co_await song.finish(std::move(no_overrides), deadline);
  }

  /// Runs it beside others; the result is there once it has ended.
  template <class T>
  std::shared_ptr<std::optional<T>> begin(core::Task<T> task) {
    auto result = std::make_shared<std::optional<T>>();
    auto run = [](core::Task<T> inner, std::shared_ptr<std::optional<T>> out) -> core::Task<void> {
      *out = co_await std::move(inner);
    };
    boost::asio::co_spawn(coroutines.context(), run(std::move(task), result), boost::asio::detached);
    return result;
  }
  template <class T>
  T finish(const std::shared_ptr<std::optional<T>>& result) {
    while (!*result) {
      const bool goes_on = engine.step();
      KADENZA_CHECK(goes_on || *result);
    }
    return std::move(**result);
  }
  template <class T>
  T wait(core::Task<T> task) {
    return finish(begin(std::move(task)));
  }
  core::UploadOutcome must_upload(std::size_t through, Bytes audio) {
    auto outcome = wait(upload(through, std::move(audio)));
    EXPECT_TRUE(outcome) << outcome.error().detail;
    return outcome.value_or(core::UploadOutcome{});
  }

  // Destroyed last: what is still suspended refers to it.
  std::deque<Node> nodes;
  const Options options;
  cluster::Settings settings;
  std::size_t enrolled = 0;
  std::vector<core::Song> announced;

  sim::Engine engine;
  static constexpr core::Duration kEpoch =
      std::chrono::hours(24 * 365 * 50);  // 2020: no record's time is negative
  sim::Coroutines coroutines{engine};
  sim::SimClock clock{engine, kEpoch};
  sim::SimTimers timers{engine};
  sim::Network network{engine.random().fork()};
  sim::PeerNetwork peer_network{engine, coroutines, network};

 private:
  /// Knows everybody.
  class Routing final : public placement::Routing {
   public:
    Routing(World& world, std::size_t self) : world_(world), self_(self) {}
    core::Task<Result<std::vector<placement::Found>>> nearest(kademlia::Key, std::size_t,
                                                              core::Deadline) override {
      auto found = world_.contacts_without(self_);
      if (!world_.options.lookups_find_the_dead) {
        std::erase_if(found, [this](const auto& contact) {
          return !std::ranges::find(world_.nodes, contact.id, &Node::id)->running;
        });
      }
      co_return std::vector<placement::Found>(found.begin(), found.end());
    }

   private:
    World& world_;
    std::size_t self_;
  };
  std::deque<Routing> routings_;
};

inline std::unique_ptr<streaming::SongCache> make_cache(const std::filesystem::path& caches,
                                                        std::size_t node) {
  if (caches.empty()) return nullptr;
  auto cache = streaming::SongCache::open({.folder = caches / std::to_string(node)});
  KADENZA_CHECK(cache);
  return std::move(*cache);
}

inline World::Process::Process(World& world, std::size_t node)
    : clock(world.engine, World::kEpoch + world.clock_error(node)),
      store(world.nodes[node].disk, clock, world.timers),
      peers(world.peer_network.peers_of(world.nodes[node].host)),
      cache(make_cache(world.options.caches, node)),
      demand(clock, world.settings),
      holder({store, offers, replicas, clock, world.timers, world.coroutines.context().get_executor(),
              cache.get(), nullptr, &demand}),
      directory(placement::Directory::create({.self = world.contact(node), .grace = world.options.grace},
                                             world.coroutines.context().get_executor(), clock,
                                             world.routings_.emplace_back(world, node))),
      replicator(std::make_shared<Replicator>(
          Replicator::Parts{.directory = *directory,
                            .peers = *peers,
                            .replicas = replicas,
                            .holder = holder,
                            .songs = store,
                            .offers = offers,
                            .clock = clock,
                            .timers = world.timers,
                            .executor = world.coroutines.context().get_executor(),
                            .settings = world.settings,
                            .enrolled = [&world] { return world.enrolled; },
                            .announce = [&world](core::Song song, core::Deadline) -> core::Task<bool> {
                              world.announced.push_back(std::move(song));
                              co_return true;
                            }})),
      remote_songs(std::make_shared<streaming::RemoteSongs>(
          streaming::RemoteSongs::Parts{*directory, replicas, clock, world.timers, cache.get(),
                                        world.coroutines.context().get_executor(), world.settings})) {}

}  // namespace kadenza::distributed::replication
