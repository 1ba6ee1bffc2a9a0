// SPDX-License-Identifier: AGPL-3.0-or-later
#include "sim/enrolled.hpp"

#include <utility>

#include <boost/asio/strand.hpp>

#include "core/check.hpp"
#include "core/sha256.hpp"
#include "distributed/cluster/state.hpp"
#include "sim/mortal_peers.hpp"

namespace kadenza::sim {

namespace cluster = distributed::cluster;

namespace {

template <class T>
T sound(core::Result<T> result) {
  KADENZA_CHECK(result.has_value());
  return std::move(*result);
}

}  // namespace

std::string found_cluster(std::span<const core::NodeId> members, const cluster::Settings& settings,
                          const core::Clock& clock) {
  const auto nowhere = [](std::string_view) { return core::Result<void>(); };
  const auto document =
      sound(cluster::ClusterDocument::create({.self = members.front(), .clock = &clock, .save = nowhere},
                                             core::sha256("a simulated cluster"), settings));
  for (const auto& id : members) {
    const auto written =
        document->write(cluster::put_member(id, {.name = id.text().substr(0, 8), .since = clock.wall_now()}));
    KADENZA_CHECK(written.has_value());
  }
  return document->view()->bytes;
}

Enrolled::Enrolled(Parts parts)
    : parts_(std::move(parts)),
      document_(sound(
          cluster::ClusterDocument::open({.self = parts_.self,
                                          .clock = &parts_.clock,
                                          .save = [this](std::string_view bytes) { return save(bytes); }},
                                         parts_.saved))),
      exchange_({.document = *document_,
                 .peers = parts_.peers,
                 .clock = parts_.clock,
                 .timers = parts_.timers,
                 .random = parts_.random,
                 .blocking = parts_.executor,
                 .contacts = parts_.contacts}),
      membership_(*document_, parts_.executor, [this] { return exchange_.spread(); }),
      loop_(boost::asio::make_strand(parts_.executor)) {}

void Enrolled::start() {
  loop_.spawn([this] { return exchange_.run(); });
}

core::Result<void> Enrolled::save(std::string_view bytes) {
  if (!parts_.alive) return process_ended();
  parts_.saved = bytes;
  return {};
}

std::vector<core::NodeId> Enrolled::members() const {
  std::vector<core::NodeId> ids;
  for (const auto& member : document_->view()->members) ids.push_back(member.id);
  return ids;
}

bool Enrolled::knows(const Enrolled& other) const {
  auto mine = sound(cluster::ClusterState::decode(document_->view()->bytes));
  const auto theirs = sound(cluster::ClusterState::decode(other.document_->view()->bytes));
  return !sound(mine.merge(theirs));
}

}  // namespace kadenza::sim
