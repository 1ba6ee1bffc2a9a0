// SPDX-License-Identifier: AGPL-3.0-or-later
#include "sim/library_world.hpp"

#include <algorithm>
#include <chrono>
#include <tuple>

#include <boost/asio/co_spawn.hpp>

#include "core/check.hpp"
#include "core/sha256.hpp"
#include "distributed/documents/codec.hpp"
#include "distributed/kademlia/distance.hpp"
#include "distributed/placement/order.hpp"
#include "distributed/placement/partition.hpp"

namespace kadenza::sim {
namespace {

using core::Duration;
using namespace std::chrono_literals;

constexpr Duration kClockError = 30s;  // of a clock that somebody looks after
constexpr Duration kWrongClockError = 10min;
constexpr Duration kAhead = 60s;                 // what a node may be ahead of one that believes it
constexpr std::uint64_t kSmallDisk = 1'500'000;  // a dozen songs
constexpr Duration kLeaveToEnd = 3min;           // for what runs when the world ends
constexpr std::size_t kViolationsKept = 10;

/// Said here anew, not asked from the code under test.
bool stored_before(const core::Song& a, const core::Song& b) {
  return std::tie(a.first_stored, a.audio) < std::tie(b.first_stored, b.audio);
}

distributed::repair::SongRepair::Options repair_of(const LibraryOptions& options) {
  distributed::repair::SongRepair::Options repair;
  repair.schedule = {.interval = options.compare, .after_writes = 3s, .promise = options.promise};
  repair.scrub_every = 60s;
  return repair;
}

}  // namespace

LibraryWorld::LibraryWorld(std::uint64_t seed, const LibraryOptions& options)
    : options_(options),
      engine_(seed),
      network_(engine_.random().fork()),
      peer_network_(engine_, coroutines_, network_),
      random_(engine_.random().fork()) {
  for (std::uint32_t i = 0; i < options_.hosts; ++i) add_host(i);
  std::vector<core::NodeId> founders;
  for (std::uint32_t i = 0; i < options_.hosts - options_.late_hosts; ++i) {
    hosts_[i].member = true;
    founders.push_back(hosts_[i].id);
  }
  const auto document = found_cluster(founders, options_.settings, SimClock(engine_));
  for (auto& host : hosts_) {
    if (host.member) host.cluster_document = document;
  }
}

LibraryWorld::~LibraryWorld() {
  for (auto& host : hosts_) {
    if (host.running()) crash(host);
  }
  engine_.run_for(kLeaveToEnd);
}

void LibraryWorld::add_host(std::uint32_t index) {
  auto& host = hosts_.emplace_back();
  const auto name = fmt::format("host {} {}", index, random_.next());
  host.id = {core::sha256(name).bytes};
  host.address = peer_network_.add(host.id);
  host.peers = peer_network_.peers_of(host.address);
  host.capacity_class = static_cast<std::uint8_t>(random_.between(7, 9));
  if (index < options_.small_disks) host.disk.capacity = kSmallDisk;
  host.rows.lose_all(name);
  host.disk.landed = [this] {
    const bool lands = random_.chance(0.5);
    if (lands) happened("commits that a crash did not stop");
    return lands;
  };
  host.disk.row_of = [&host](const core::SongId& id) { return host.rows.row(id); };
  host.disk.on_stored = [&host](const core::Song& song) { host.rows.take({song}); };
  host.disk.on_removed = [this, &host](const core::Song& song) { check_removal(host, song); };
}

void LibraryWorld::spawn(std::function<core::Task<void>()> body) {
  auto ended = [](const std::exception_ptr& thrown) {
    if (thrown) std::rethrow_exception(thrown);
  };
  boost::asio::co_spawn(coroutines_.context(), std::move(body), std::move(ended));
}

std::vector<LibraryHost*> LibraryWorld::running() {
  std::vector<LibraryHost*> running;
  for (auto& host : hosts_) {
    if (host.running()) running.push_back(&host);
  }
  return running;
}

std::size_t LibraryWorld::members() const {
  return static_cast<std::size_t>(std::ranges::count(hosts_, true, &LibraryHost::member));
}

LibraryHost* LibraryWorld::some_issuer() {
  auto issuers = running();
  std::erase_if(issuers, [](const LibraryHost* host) { return host->wrong_clock; });
  return issuers.empty() ? nullptr : issuers[random_.below(issuers.size())];
}

core::Task<bool> LibraryWorld::enrol(LibraryHost& host) {
  auto* issuer = some_issuer();
  if (!issuer) co_return false;
  auto* process = issuer->running();
  distributed::enrolment::Member member{.id = host.id,
                                        .name = host.id.text().substr(0, 8),
                                        .since = SimClock(engine_).wall_now(),
                                        .authority = {}};
  const auto added = co_await process->enrolled().membership().add(std::move(member));
  if (!added || !process->alive()) co_return false;
  host.cluster_document = process->enrolled().membership().document();
  host.member = true;
  co_return true;
}

core::Task<void> LibraryWorld::remove_member(core::NodeId id) {
  while (true) {
    if (auto* issuer = some_issuer()) {
      const auto removed = co_await issuer->running()->enrolled().membership().remove(id);
      if (removed) co_return;
    }
    co_await timers_.sleep_until(now() + 1s);
  }
}

bool LibraryWorld::is_known_elsewhere(const LibraryHost& host) {
  return std::ranges::any_of(running(), [&](const LibraryHost* other) {
    return other != &host && other->running()->enrolled().knows(host.running()->enrolled());
  });
}

void LibraryWorld::start(LibraryHost& host) {
  KADENZA_CHECK(!host.running() && host.member);
  host.wrong_clock = !clocks_are_right_ && &host == &hosts_.front() && random_.chance(options_.wrong_clocks);
  const auto most = host.wrong_clock ? kWrongClockError : kClockError;
  const auto calendar_error = std::chrono::milliseconds(random_.between(-most / 1ms, most / 1ms));
  auto& process = host.processes.emplace_back(std::make_unique<MemberProcess>(MemberProcess::Parts{
      .self = peer_network_.contact(host.id, host.capacity_class),
      .disk = host.disk,
      .rows = host.rows,
      .documents = host.documents,
      .cluster_document = host.cluster_document,
      .peers = *host.peers,
      .reachable = [this, &host](distributed::kademlia::Key key) { return reachable(host, key); },
      .engine = engine_,
      .coroutines = coroutines_,
      .timers = timers_,
      .settings = options_.settings,
      .grace = options_.grace,
      .repair = repair_of(options_),
      .calendar_error = calendar_error,
      .random = random_.fork()}));
  peer_network_.start(host.address, process->handlers());
  process->start();
}

void LibraryWorld::crash(LibraryHost& host) {
  host.running()->kill();
  host.disk.crash();
  peer_network_.crash(host.address);
}

void LibraryWorld::set_clocks_right() {
  clocks_are_right_ = true;
  for (auto& host : hosts_) {
    if (!host.wrong_clock || !host.running()) continue;
    crash(host);
    start(host);
  }
}

void LibraryWorld::wipe(LibraryHost& host) {
  host.disk.replace();
  host.rows.lose_all(fmt::format("disk {} of {}", ++host.disks, host.id.text()));
  host.documents.lose_all();
}

bool LibraryWorld::replace_disk(LibraryHost& host) {
  if (has_a_last_copy(host)) return false;
  wipe(host);
  losses_.push_back(now());
  return true;
}

bool LibraryWorld::rot(LibraryHost& host, Random& random) {
  std::vector<core::SongId> choice;
  for (const auto& id : host.disk.ids()) {
    if (host.disk.intact(id) && intact_copies(host.disk.record(id)->song, &host) > 0) choice.push_back(id);
  }
  if (choice.empty()) return false;
  const auto id = choice[random.below(choice.size())];
  host.disk.rot(id, random.below(host.disk.audio(id)->size()));
  losses_.push_back(now());
  return true;
}

void LibraryWorld::depart(LibraryHost& host) {
  for (const auto& id : host.disk.ids()) {
    if (intact_copies(host.disk.record(id)->song, &host) == 0) {
      violation("{} has handed everything over, and nobody else has song {}", host.id.text(), id.text());
    }
  }
  if (has_a_last_change(host))
    violation("{} has handed everything over, and nobody else has its documents", host.id.text());
  crash(host);
  host.member = false;
  wipe(host);
  losses_.push_back(now());
  spawn([this, id = host.id] { return remove_member(id); });
}

std::vector<distributed::kademlia::Contact> LibraryWorld::reachable(
    const LibraryHost& from, const distributed::kademlia::Key& key) const {
  std::vector<distributed::kademlia::Contact> found;
  for (const auto& host : hosts_) {
    if (&host != &from && host.running() && network_.connected(from.address, host.address)) {
      found.push_back(peer_network_.contact(host.id, host.capacity_class));
    }
  }
  std::ranges::sort(found, [&](const auto& a, const auto& b) {
    return distributed::kademlia::distance(a.id, key) < distributed::kademlia::distance(b.id, key);
  });
  return found;
}

void LibraryWorld::run_for(Duration time) {
  for (const auto end = now() + time; now() < end;) {
    engine_.run_until(std::min(end, now() + 1s));
    check_nothing_lost();
    check_capacities();
  }
}

std::size_t LibraryWorld::intact_copies(const core::Song& song, const LibraryHost* except) const {
  std::size_t copies = 0;
  for (const auto& host : hosts_) {
    if (&host == except || !host.disk.intact(song.id)) continue;
    const auto& there = host.disk.record(song.id)->song;
    if (there.audio == song.audio || stored_before(there, song)) ++copies;
  }
  return copies;
}

/// Whether it holds changes of documents that are on no other disk.
bool LibraryWorld::has_a_last_change(const LibraryHost& host) const {
  return std::ranges::any_of(host.documents.states(), [&](const auto& held) {
    auto others = document_on_disks(held.first, &host);
    return others.merge(*distributed::documents::decode(held.second));
  });
}

distributed::documents::Document LibraryWorld::document_on_disks(const core::DocumentId& id,
                                                                 const LibraryHost* except) const {
  distributed::documents::Document all;
  for (const auto& host : hosts_) {
    const auto found = host.documents.states().find(id);
    if (&host == except || found == host.documents.states().end()) continue;
    all.merge(*distributed::documents::decode(found->second));
  }
  return all;
}

std::vector<const LibraryHost*> LibraryWorld::order_of(const core::SongId& id) {
  std::map<core::NodeId, const LibraryHost*> by_id;
  std::vector<distributed::kademlia::Contact> members;
  for (const auto* host : running()) {
    by_id[host->id] = host;
    members.push_back(peer_network_.contact(host->id, host->capacity_class));
  }
  const auto& settings = options_.settings;
  std::vector<const LibraryHost*> order;
  for (const auto& member : distributed::placement::order(
           distributed::placement::partition_of(id, settings.partition_bits), members, settings.candidates)) {
    order.push_back(by_id.at(member.id));
  }
  return order;
}

bool LibraryWorld::has_a_last_copy(const LibraryHost& host) const {
  if (has_a_last_change(host)) return true;
  return std::ranges::any_of(host.disk.ids(), [&](const core::SongId& id) {
    return host.disk.intact(id) && intact_copies(host.disk.record(id)->song, &host) == 0;
  });
}

std::size_t LibraryWorld::lost_lately() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      losses_, [this](core::Instant when) { return now() - when <= options_.promise + options_.grace; }));
}

void LibraryWorld::acknowledged(const core::Song& song) {
  acknowledged_.try_emplace({song.id, song.audio}, song);
  if (song.first_stored > SimClock(engine_).wall_now() + kClockError + kAhead) {
    violation("song {} was acknowledged with a time that is to come", song.id.text());
  }
  const auto wanted = std::min<std::size_t>(options_.settings.write_quorum, members());
  const auto there = intact_copies(song) + lost_lately();
  if (there < wanted) {
    violation("the upload of song {} was acknowledged when {} of {} disks had it", song.id.text(), there,
              wanted);
  }
}

void LibraryWorld::check_removal(const LibraryHost& host, const core::Song& song) {
  happened("copies let go");
  const auto others = intact_copies(song, &host) + lost_lately();
  if (others < options_.settings.replicas) {
    violation("{} let go of song {} when {} others had it", host.id.text(), song.id.text(), others);
  }
}

void LibraryWorld::check_nothing_lost() {
  for (const auto& [key, song] : acknowledged_) {
    if (intact_copies(song) == 0) violation("song {} was acknowledged, and is nowhere", song.id.text());
  }
}

void LibraryWorld::check_capacities() {
  for (const auto& host : hosts_) {
    if (host.disk.used_bytes() > host.disk.capacity) {
      violation("{} holds {} bytes on a disk of {}", host.id.text(), host.disk.used_bytes(),
                host.disk.capacity);
    }
  }
}

void LibraryWorld::happened(const std::string& what) {
  ++events_[what];
  for (const auto byte : what) engine_.trace().mix(static_cast<std::uint8_t>(byte));
  engine_.trace().mix(static_cast<std::uint64_t>(now().time_since_epoch().count()));
}

void LibraryWorld::note_violation(std::string text) {
  if (violations_.size() >= kViolationsKept) return;
  const auto at = std::chrono::duration<double>(now().time_since_epoch()).count();
  violations_.push_back(fmt::format("at {:.1f} s: {}", at, std::move(text)));
}

}  // namespace kadenza::sim
