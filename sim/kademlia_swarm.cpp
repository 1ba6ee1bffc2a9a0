// SPDX-License-Identifier: AGPL-3.0-or-later
#include "sim/kademlia_swarm.hpp"

#include <algorithm>
#include <utility>

#include "core/check.hpp"

namespace kadenza::sim {

using kademlia::Endpoint;

namespace {

constexpr std::uint32_t kFirstAddress = 0x0a000000;  // 10.0.0.0
constexpr std::uint16_t kPort = 4747;

/// What a datagram costs beyond its encoded message: the seal, UDP and IPv4.
constexpr std::size_t kDatagramOverhead = 60 + 8 + 20;

core::Duration scaled(core::Duration duration, double factor) {
  return core::Duration(static_cast<std::int64_t>(static_cast<double>(duration.count()) * factor));
}

}  // namespace

core::Instant HostClock::local(core::Instant world) const {
  return world + offset + scaled(world.time_since_epoch(), drift);
}

core::Instant HostClock::world(core::Instant local) const {
  if (local == core::Instant::max()) return local;
  const core::Duration since = local.time_since_epoch() - offset;
  // Rounding may be off by a few nanoseconds at large values; a wake-up that comes too late is harmless.
  return core::Instant(since - scaled(since, drift / (1 + drift)) +
                       std::chrono::nanoseconds(drift == 0 ? 0 : 100));
}

KademliaSwarm::KademliaSwarm(Engine& engine, Network& network, const kademlia::Config& config)
    : engine_(engine),
      network_(network),
      config_(config),
      random_(engine.random().fork()),
      delivery_id_(engine.add_handler(deliveries_)),
      wake_up_id_(engine.add_handler(wake_ups_)) {
  // An id of a transaction takes 10 bytes as a varint nearly always; everything else has a fixed length.
  kademlia::Message message{.transaction = ~std::uint64_t{0}, .attempt = 0, .sender = {}, .body = {}};
  const auto measure = [&](kademlia::Body body) {
    message.body = body;
    std::array<std::uint8_t, kademlia::kMessageBytesMax> encoded;
    return codec_.encode(message, encoded) + kDatagramOverhead;
  };
  body_bytes_ = {measure(kademlia::Ping{}), measure(kademlia::Pong{}), measure(kademlia::FindNode{}),
                 measure(kademlia::Nodes{})};
}

std::size_t KademliaSwarm::bytes_of(const kademlia::Message& message) const {
  const auto* nodes = std::get_if<kademlia::Nodes>(&message.body);
  return body_bytes_[message.body.index()] +
         (nodes ? nodes->contacts.size() * kademlia::Contact::kWireBytes : 0);
}

void KademliaSwarm::check_encoding(const kademlia::Message& message) {
  std::array<std::uint8_t, kademlia::kMessageBytesMax> encoded;
  const std::size_t size = codec_.encode(message, encoded);
  const auto decoded = codec_.decode(std::span(encoded).first(size));
  KADENZA_CHECK(decoded && *decoded == message);
}

HostId KademliaSwarm::add_host(const HostOptions& options) {
  const HostId id = network_.add_host();
  KADENZA_CHECK(id == hosts_.size());
  Host& host = hosts_.emplace_back();
  host.clock = options.clock;
  host.self.id = kademlia::random_key(random_);
  host.self.endpoint = Endpoint::v4(kFirstAddress + id, kPort);
  host.self.capacity_class = options.capacity_class;
  network_.set_up(id, false);
  return id;
}

HostId KademliaSwarm::host_of(const Endpoint& endpoint) {
  const auto& bytes = endpoint.address;
  return HostId{bytes[13]} << 16 | HostId{bytes[14]} << 8 | bytes[15];
}

void KademliaSwarm::start(HostId id, std::span<const HostId> seeds) {
  Host& host = hosts_[id];
  KADENZA_CHECK(!host.node);
  network_.set_up(id, true);
  host.node = std::make_unique<kademlia::KademliaNode>(host.self, config_, random_);
  std::vector<Endpoint> endpoints;
  for (const HostId seed : seeds) endpoints.push_back(hosts_[seed].self.endpoint);
  host.node->bootstrap(host.saved, endpoints, local_now(host), outbox_);
  pump(id);
}

void KademliaSwarm::crash(HostId id, Table table) {
  Host& host = hosts_[id];
  host.saved.clear();
  if (table == Table::kSaved) {
    for (const auto& bucket : host.node->table().buckets()) {
      for (const auto& entry : bucket.live) host.saved.push_back(entry.contact);
    }
  }
  host.node.reset();
  host.joined_at = core::Instant::max();
  host.armed = core::Instant::max();
  network_.set_up(id, false);
}

void KademliaSwarm::stall(HostId host, core::Instant until) {
  hosts_[host].stalled_until = std::max(hosts_[host].stalled_until, until);
}

std::optional<kademlia::LookupId> KademliaSwarm::look_up(HostId id, const kademlia::Key& target,
                                                         const kademlia::LookupGoal& goal) {
  Host& host = hosts_[id];
  const auto lookup = host.node->start(target, goal, local_now(host), outbox_);
  pump(id);
  return lookup;
}

void KademliaSwarm::deliver(std::uint32_t slot) {
  const HostId to = flying_[slot].to;
  Host& host = hosts_[to];
  if (host.stalled_until > engine_.now()) return engine_.schedule(host.stalled_until, delivery_id_, slot);
  const Datagram datagram = flying_.take(slot);
  if (!host.node) return;
  ++delivered_;
  engine_.trace().mix(datagram.message.transaction);
  host.node->receive(hosts_[datagram.from].self.endpoint, datagram.message, local_now(host), outbox_);
  pump(to);
}

void KademliaSwarm::wake(HostId id) {
  Host& host = hosts_[id];
  if (!host.node || host.armed != engine_.now()) return;
  if (host.stalled_until > engine_.now()) {
    host.armed = host.stalled_until;
    return engine_.schedule(host.armed, wake_up_id_, id);
  }
  host.armed = core::Instant::max();
  const core::Instant now = local_now(host);
  if (host.node->next_wakeup() <= now) {
    host.node->tick(now, outbox_);
    if (host.node->next_wakeup() <= now) ++spins_;
  }
  pump(id);
}

void KademliaSwarm::send(HostId from, const kademlia::Send& send) {
  ++traffic_.datagrams;
  traffic_.bytes += bytes_of(send.message);
  if (traffic_.datagrams % kWireSample == 0) check_encoding(send.message);
  const HostId to = host_of(send.to);
  if (to >= hosts_.size()) return;
  const auto fate = network_.send_datagram(from, to, engine_.now());
  for (std::uint8_t copy = 0; copy < fate.copies; ++copy) {
    engine_.schedule(engine_.now() + fate.after[copy], delivery_id_, flying_.put({from, to, send.message}));
  }
}

/// Carries out what the node asked for. Callbacks may call the swarm again, so the outbox is taken first.
void KademliaSwarm::pump(HostId id) {
  for (const auto& message : outbox_.sends) send(id, message);
  outbox_.sends.clear();
  Host& host = hosts_[id];
  if (host.joined_at == core::Instant::max() && host.node->joined()) host.joined_at = engine_.now();
  arm(id);
  if (outbox_.finished.empty()) return;
  const auto finished = std::exchange(outbox_.finished, {});
  for (const auto& result : finished) {
    engine_.trace().mix(std::uint64_t{result.sent} << 32 | result.hops);
    if (on_finished) on_finished(id, result);
  }
}

void KademliaSwarm::arm(HostId id) {
  Host& host = hosts_[id];
  const core::Instant wake_up = host.clock.world(host.node->next_wakeup());
  if (wake_up >= host.armed) return;
  host.armed = std::max(wake_up, engine_.now());
  engine_.schedule(host.armed, wake_up_id_, id);
}

std::vector<kademlia::NodeId> KademliaSwarm::truly_nearest(const kademlia::Key& target, std::size_t count,
                                                           core::Instant joined_by) const {
  std::vector<std::pair<kademlia::Distance, HostId>> order;
  for (HostId id = 0; id < hosts_.size(); ++id) {
    const Host& host = hosts_[id];
    if (!host.node || host.self.capacity_class == 0 || host.joined_at > joined_by) continue;
    order.emplace_back(kademlia::distance(target, host.self.id), id);
  }
  count = std::min(count, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end());
  std::vector<kademlia::NodeId> nearest;
  for (std::size_t i = 0; i < count; ++i) nearest.push_back(hosts_[order[i].second].self.id);
  return nearest;
}

}  // namespace kadenza::sim
