// SPDX-License-Identifier: AGPL-3.0-or-later
#include "sim/listening_world.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <fmt/format.h>

#include "core/identity.hpp"
#include "core/sha256.hpp"
#include "distributed/placement/order.hpp"
#include "distributed/placement/partition.hpp"
#include "sim/durations.hpp"

namespace kadenza::sim {
namespace {

using namespace std::chrono_literals;
using core::Duration;

constexpr double kMegabit = 1e6 / 8;
constexpr double kLineSpread = 0.7;  // σ of the logarithm
constexpr Line kStoringLine{40 * kMegabit, 100 * kMegabit};
constexpr Line kListeningLine{10 * kMegabit, 50 * kMegabit};
constexpr std::uint32_t kBitRate = 160'000;
constexpr std::array kSongSeconds{150, 190, 220, 260, 330};
constexpr double kZipf = 0.9;
constexpr double kJoinsPerSecond = 20;

constexpr double kDay = 24 * 3600;
constexpr double kStoringSession = 10 * kDay;  // medians, seconds
constexpr double kListeningSession = 3600;
constexpr double kDownMean = 600;

Line draw_line(const Line& median, Random& random) {
  const double factor = random.lognormal(1, kLineSpread);
  return {median.up * factor, median.down * factor};
}

struct Audio {
  std::shared_ptr<const std::vector<std::uint8_t>> bytes;
  core::SongRecord record;  ///< without what names a song
};

/// Songs differ in their names alone: a thousand nodes would need terabytes otherwise.
Audio audio_of(int song_seconds) {
  const auto size = static_cast<std::size_t>(song_seconds) * kBitRate / 8;
  Audio audio;
  auto bytes = pretended_audio("", "", "", static_cast<std::uint64_t>(song_seconds), size);
  audio.record.chunks = chunk_hashes(bytes);
  auto& song = audio.record.song;
  song.size = bytes.size();
  song.audio = core::sha256(bytes);
  song.properties.format = core::AudioFormat::kVorbis;
  song.properties.bit_rate = kBitRate;
  song.properties.duration = std::chrono::seconds(song_seconds);
  audio.bytes = std::make_shared<const std::vector<std::uint8_t>>(std::move(bytes));
  return audio;
}

}  // namespace

ListeningWorld::ListeningWorld(const ListeningOptions& options)
    : options_(options),
      engine_(options.seed),
      random_(engine_.random().fork()),
      network_(engine_.random().fork()),
      swarm_(engine_, network_, config_),
      population_(engine_, actions_, swarm_),
      lookups_(actions_, swarm_),
      peer_network_(engine_, coroutines_, network_) {
  config_.rate_sources = KademliaSwarm::kRateSources;
  network_.faults.loss = options_.loss;
  for (std::uint32_t index = 0; index < options_.nodes; ++index) add_host(index % 2 == 0);
  place_songs();
}

ListeningWorld::~ListeningWorld() {
  for (HostId host = 0; host < hosts_.size(); ++host) {
    if (swarm_.running(host)) crash(host);
  }
}

void ListeningWorld::add_host(bool stores) {
  KademliaSwarm::HostOptions options;
  options.capacity_class = stores ? static_cast<std::uint8_t>(random_.between(8, 11)) : 0;
  options.clock.offset = std::chrono::seconds(random_.between(1, 1'000'000));
  const auto id = swarm_.add_host(options);
  network_.set_line(id, draw_line(stores ? kStoringLine : kListeningLine, random_));
  network_.set_behind_nat(id, !stores);
  peer_network_.add(swarm_.contact(id).id, id);
  auto& host = hosts_.emplace_back();
  host.stores = stores;
  host.peers = peer_network_.peers_of(id);
}

void ListeningWorld::place_songs() {
  std::vector<kademlia::Contact> members;
  for (HostId host = 0; host < hosts_.size(); ++host) members.push_back(swarm_.contact(host));
  std::vector<Audio> audios;
  for (const int length : kSongSeconds) audios.push_back(audio_of(length));
  double cumulated = 0;
  for (std::uint32_t index = 0; index < options_.songs; ++index) {
    const auto& audio = audios[random_.below(audios.size())];
    auto record = std::make_shared<core::SongRecord>(audio.record);
    record->song.tags.title = fmt::format("Song {}", index);
    record->song.tags.artist = "Somebody";
    record->song.id =
        core::song_id(record->song.tags.title, record->song.tags.artist, record->song.tags.album);
    const auto partition = distributed::placement::partition_of(record->song.id, settings_.partition_bits);
    auto& song = songs_.emplace_back(std::move(record), std::vector<HostId>{});
    for (const auto& contact : distributed::placement::order(partition, members, settings_.candidates)) {
      if (song.holders.size() == settings_.replicas) break;
      song.holders.push_back(KademliaSwarm::host_of(contact.endpoint));
      hosts_[song.holders.back()].disk.place(song.record, audio.bytes);
    }
    popularity_.push_back(cumulated += std::pow(index + 1, -kZipf));
  }
}

core::Instant ListeningWorld::join() {
  auto when = now();
  for (HostId host = 0; host < hosts_.size(); ++host) {
    actions_.at(when, [this, host] { start(host); });
    when += duration_of(1 / kJoinsPerSecond);
  }
  return when;
}

void ListeningWorld::begin_churn() {
  churn_ = true;
  for (HostId host = 0; host < hosts_.size(); ++host) {
    if (swarm_.running(host)) crash_after_a_session(host);
  }
}

/// Sessions are exponential, so that one that began before the churn goes on like a new one.
void ListeningWorld::crash_after_a_session(HostId host) {
  const double median = hosts_[host].stores ? kStoringSession : kListeningSession;
  actions_.after(duration_of(random_.exponential(median / std::log(2))), [this, host] {
    crash(host);
    ++departures_;
    actions_.after(duration_of(random_.exponential(kDownMean)), [this, host] { start(host); });
  });
}

void ListeningWorld::start(HostId id) {
  population_.start(id);
  auto& host = hosts_[id];
  auto& process = host.processes.emplace_back(std::make_unique<StreamingProcess>(
      StreamingProcess::Parts{.self = swarm_.contact(id),
                              .host = id,
                              .disk = host.disk,
                              .peers = *host.peers,
                              .lookups = lookups_,
                              .clock = clock_,
                              .timers = timers_,
                              .executor = coroutines_.context().get_executor(),
                              .settings = settings_}));
  peer_network_.start(id, process->handlers());
  if (on_start) on_start(*process, id);
  if (churn_) crash_after_a_session(id);
}

void ListeningWorld::crash(HostId id) {
  auto& host = hosts_[id];
  host.processes.back()->kill();
  host.disk.crash();
  peer_network_.crash(id);
  swarm_.crash(id, KademliaSwarm::Table::kSaved);
  lookups_.crash(id);
}

void ListeningWorld::spawn(std::function<core::Task<void>()> body) {
  boost::asio::co_spawn(coroutines_.context(), std::move(body), boost::asio::detached);
}

const PlacedSong& ListeningWorld::any_song() {
  const auto drawn = random_.uniform() * popularity_.back();
  const auto at = std::ranges::upper_bound(popularity_, drawn);
  return songs_[std::min<std::size_t>(static_cast<std::size_t>(at - popularity_.begin()), songs_.size() - 1)];
}

Duration ListeningWorld::floor(HostId host, const PlacedSong& song) const {
  auto nearest = Duration::max();
  for (const auto holder : song.holders) {
    if (holder == host) return Duration{};
    if (swarm_.running(holder)) nearest = std::min(nearest, network_.round_trip(host, holder));
  }
  return nearest == Duration::max() ? Duration{} : 3 * nearest;
}

std::vector<const StreamingProcess*> ListeningWorld::processes() const {
  std::vector<const StreamingProcess*> all;
  for (const auto& host : hosts_) {
    for (const auto& process : host.processes) all.push_back(process.get());
  }
  return all;
}

}  // namespace kadenza::sim
