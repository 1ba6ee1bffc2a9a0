// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "core/random.hpp"
#include "distributed/kademlia/codec.hpp"
#include "distributed/kademlia/node.hpp"
#include "sim/engine.hpp"
#include "sim/network.hpp"
#include "sim/pool.hpp"

namespace kadenza::sim {

namespace kademlia = distributed::kademlia;

/// A machine's monotonic clock: it began somewhere and runs a little fast or slow.
struct HostClock {
  core::Duration offset{};
  double drift = 0;  ///< seconds gained per second

  core::Instant local(core::Instant world) const;
  core::Instant world(core::Instant local) const;  ///< not earlier than when local() reaches it
};

/// Thousands of KademliaNode objects on one simulated network. Every datagram is an event; each node has at
/// most one valid wake-up. Messages are moved, and one in kWireSample passes through its real encoding.
class KademliaSwarm {
 public:
  static constexpr std::uint32_t kWireSample = 64;
  /// For Config::rate_sources: a simulated node is asked by few sources at once, and production's default
  /// would cost another kilobyte for each.
  static constexpr std::size_t kRateSources = 16;
  using Finished = std::function<void(HostId, const kademlia::LookupResult&)>;

  KademliaSwarm(Engine& engine, Network& network, const kademlia::Config& config);
  KademliaSwarm(const KademliaSwarm&) = delete;
  KademliaSwarm& operator=(const KademliaSwarm&) = delete;

  struct HostOptions {
    std::uint8_t capacity_class = 1;
    HostClock clock;
  };
  /// A machine with an identity, not yet running.
  HostId add_host(const HostOptions& options);

  /// Starts the host's process; it knows these others, and its saved contacts if it ran before.
  void start(HostId host, std::span<const HostId> seeds);
  /// Ends it at once. Its table is saved as of this moment if asked (a real node saves now and then).
  enum class Table : std::uint8_t { kSaved, kLost };
  void crash(HostId host, Table table);
  /// The process is not scheduled until then (a suspended or swapping machine); its datagrams wait in the
  /// socket.
  void stall(HostId host, core::Instant until);

  /// The result goes to `on_finished`. Nothing when the node refuses.
  std::optional<kademlia::LookupId> look_up(HostId host, const kademlia::Key& target,
                                            const kademlia::LookupGoal& goal);
  Finished on_finished;

  std::size_t size() const { return hosts_.size(); }
  bool running(HostId host) const { return hosts_[host].node != nullptr; }
  const kademlia::KademliaNode& node(HostId host) const { return *hosts_[host].node; }
  const kademlia::Contact& contact(HostId host) const { return hosts_[host].self; }
  /// When the process knew its neighbourhood for the first time; Instant::max() = not yet.
  core::Instant joined_at(HostId host) const { return hosts_[host].joined_at; }
  static HostId host_of(const kademlia::Endpoint& endpoint);

  /// The `count` nodes nearest to the target among those that run, store something and had joined by then.
  std::vector<kademlia::NodeId> truly_nearest(const kademlia::Key& target, std::size_t count,
                                              core::Instant joined_by) const;

  struct Traffic {
    std::uint64_t datagrams = 0;
    std::uint64_t bytes = 0;  ///< as sent, with seal, UDP and IPv4 headers
  };
  const Traffic& traffic() const { return traffic_; }
  std::uint64_t delivered() const { return delivered_; }
  /// Wake-ups that asked for an earlier or the same moment again: a driver would spin.
  std::uint64_t spins() const { return spins_; }

 private:
  struct Host {
    std::unique_ptr<kademlia::KademliaNode> node;
    kademlia::Contact self;
    HostClock clock;
    core::Instant armed = core::Instant::max();
    core::Instant stalled_until{};
    core::Instant joined_at = core::Instant::max();
    std::vector<kademlia::Contact> saved;
  };
  struct Datagram {
    HostId from = 0;
    HostId to = 0;
    kademlia::Message message;
  };
  class Deliveries final : public EventHandler {
   public:
    explicit Deliveries(KademliaSwarm& swarm) : swarm_(swarm) {}
    void on_event(std::uint32_t slot) override { swarm_.deliver(slot); }

   private:
    KademliaSwarm& swarm_;
  };
  class WakeUps final : public EventHandler {
   public:
    explicit WakeUps(KademliaSwarm& swarm) : swarm_(swarm) {}
    void on_event(std::uint32_t host) override { swarm_.wake(host); }

   private:
    KademliaSwarm& swarm_;
  };

  void deliver(std::uint32_t slot);
  void wake(HostId host);
  void send(HostId from, const kademlia::Send& send);
  std::size_t bytes_of(const kademlia::Message& message) const;
  void check_encoding(const kademlia::Message& message);
  void pump(HostId host);
  void arm(HostId host);
  core::Instant local_now(const Host& host) const { return host.clock.local(engine_.now()); }

  Engine& engine_;
  Network& network_;
  const kademlia::Config& config_;
  Random random_;
  Deliveries deliveries_{*this};
  WakeUps wake_ups_{*this};
  Engine::HandlerId delivery_id_;
  Engine::HandlerId wake_up_id_;
  std::vector<Host> hosts_;
  Pool<Datagram> flying_;
  kademlia::Outbox outbox_;
  kademlia::Codec codec_;
  std::array<std::size_t, std::variant_size_v<kademlia::Body>> body_bytes_{};
  Traffic traffic_;
  std::uint64_t delivered_ = 0;
  std::uint64_t spins_ = 0;
};

}  // namespace kadenza::sim
