// SPDX-License-Identifier: AGPL-3.0-or-later
#include "sim/idle.hpp"

#include <algorithm>
#include <chrono>
#include <vector>

#include <fmt/format.h>

#include "core/identity.hpp"
#include "core/sha256.hpp"
#include "distributed/placement/order.hpp"
#include "distributed/placement/partition.hpp"
#include "sim/durations.hpp"
#include "sim/library_world.hpp"

namespace kadenza::sim {
namespace {

using namespace std::chrono_literals;

constexpr core::Duration kSettling = 5min;

LibraryOptions production(const IdleOptions& options) {
  LibraryOptions library;
  library.hosts = options.nodes;
  library.settings = {};
  library.grace = 15min;
  library.compare = 60s;
  return library;
}

/// Every song on its holders, and its row everywhere. All have the same few bytes, and nodes share what they
/// have in memory: with a million songs it counts.
void fill(LibraryWorld& world, std::uint32_t songs) {
  const auto audio = std::make_shared<const std::vector<std::uint8_t>>(pretended_audio("", "", "", 0, 100));
  const auto digest = core::sha256(*audio);
  const auto settings = world.options().settings;
  std::vector<distributed::kademlia::Contact> members;
  for (const auto& host : world.hosts()) {
    members.push_back(world.peer_network().contact(host.id, host.capacity_class));
  }
  for (std::uint32_t index = 0; index < songs; ++index) {
    auto record = std::make_shared<core::SongRecord>();
    auto& song = record->song;
    song.tags.title = fmt::format("Song {}", index);
    song.tags.artist = fmt::format("Artist {}", index / 10);
    song.id = core::song_id(song.tags.title, song.tags.artist, song.tags.album);
    song.size = audio->size();
    song.audio = digest;
    record->chunks = chunk_hashes(*audio);
    const std::shared_ptr<const core::Song> row(record, &song);
    for (auto& host : world.hosts()) host.rows.place(row);
    const auto partition = distributed::placement::partition_of(song.id, settings.partition_bits);
    auto order = distributed::placement::order(partition, members, settings.candidates);
    order.resize(std::min<std::size_t>(order.size(), settings.replicas));
    for (auto& host : world.hosts()) {
      if (std::ranges::find(order, host.id, &distributed::kademlia::Contact::id) != order.end()) {
        host.disk.place(record, audio);
      }
    }
  }
}

}  // namespace

Idle measure_idle(const IdleOptions& options) {
  LibraryWorld world(options.seed, production(options));
  fill(world, options.songs);
  for (auto& host : world.hosts()) world.start(host);
  world.run_for(kSettling);
  const auto before = world.peer_network().traffic();
  world.run_for(options.lasting);
  Idle idle{.options = options};
  const double node_seconds = options.nodes * in_seconds(options.lasting);
  for (const auto& [path, now] : world.peer_network().traffic()) {
    const auto then = before.find(path);
    const auto since = then == before.end() ? PeerNetwork::Traffic{} : then->second;
    const Idle::Method method{static_cast<double>(now.calls - since.calls) / node_seconds,
                              static_cast<double>(now.bytes - since.bytes) / node_seconds};
    idle.all.calls_per_second += method.calls_per_second;
    idle.all.bytes_per_second += method.bytes_per_second;
    if (now.calls > since.calls) idle.methods[path] = method;
  }
  return idle;
}

std::string as_json(const Idle& idle) {
  std::string methods;
  for (const auto& [path, method] : idle.methods) {
    methods +=
        fmt::format(R"({}"{}":{{"calls_per_second":{:.3f},"bytes_per_second":{:.1f}}})",
                    methods.empty() ? "" : ",", path, method.calls_per_second, method.bytes_per_second);
  }
  return fmt::format(R"({{"seed":{},"nodes":{},"songs":{},"bytes_per_second":{:.1f},"methods":{{{}}}}})",
                     idle.options.seed, idle.options.nodes, idle.options.songs, idle.all.bytes_per_second,
                     methods);
}

std::string as_text(const Idle& idle) {
  std::string out =
      fmt::format("{} nodes, {} songs, nothing happens\n{:<40}{:>10}{:>10}\n", idle.options.nodes,
                  idle.options.songs, "calls of one node", "a second", "bytes/s");
  const auto row = [&](const std::string& name, const Idle::Method& method) {
    out += fmt::format("{:<40}{:>10.2f}{:>10.0f}\n", name, method.calls_per_second, method.bytes_per_second);
  };
  for (const auto& [path, method] : idle.methods) row(path, method);
  row("all", idle.all);
  return out;
}

}  // namespace kadenza::sim
