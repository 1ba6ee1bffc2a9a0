// SPDX-License-Identifier: AGPL-3.0-or-later
#include "sim/listening.hpp"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "distributed/placement/partition.hpp"
#include "sim/durations.hpp"
#include "sim/listening_world.hpp"
#include "sim/player.hpp"
#include "sim/quantile.hpp"

namespace kadenza::sim {
namespace {

using core::Duration;
using core::Task;
using namespace std::chrono_literals;

constexpr double kForeseen = 0.61;       // Kreitz and Niemelä, section III
constexpr Duration kSoughtBefore = 30s;  // the same
/// How far a player reads ahead of what is heard.
constexpr Duration kAhead = 60s;
constexpr std::size_t kReadBytes = 16 << 10;
constexpr Duration kPatience = 20s;  // of a read
constexpr Duration kAnnoyed = 5s;    // until somebody whose song did not play picks another
constexpr Duration kSettling = 4min;
constexpr Duration kWarmUp = 3min;    // people listen, and nobody counts
constexpr Duration kLastSong = 6min;  // the longest, and some silence
constexpr std::uint32_t kShards = 256;
constexpr auto kShardPause = 500ms;

Percentiles percentiles(std::vector<double>& values) {
  Percentiles result{.count = values.size()};
  result.p50 = quantile(values, 0.5);
  result.p90 = quantile(values, 0.9);
  result.p99 = quantile(values, 0.99);
  return result;
}

/// One run: the world and what its listeners came to.
class Listeners {
 public:
  Listeners(const ListeningOptions& options, const std::function<void(const std::string&)>& progress)
      : options_(options), progress_(progress), world_(options), random_(world_.random().fork()) {
    world_.on_start = [this](StreamingProcess& process, HostId host) {
      world_.spawn([this, &process] { return follow_catalogue(process); });
      world_.spawn([this, &process, host] { return listen(process, host); });
    };
  }

  Listening run();

 private:
  struct Wish {
    const PlacedSong* song = nullptr;
    bool foreseen = false;
    core::Instant at{};  ///< when it should sound
  };

  Task<void> follow_catalogue(StreamingProcess& process);
  Task<void> listen(StreamingProcess& process, HostId host);
  Task<bool> play(StreamingProcess& process, const Wish& wish, core::Instant until, Player& player);
  void count(const Wish& wish, const Player& player, Duration floor, bool played);
  void advance(Duration duration, const char* doing);

  const ListeningOptions options_;
  const std::function<void(const std::string&)>& progress_;
  const std::clock_t cpu_before_ = std::clock();
  ListeningWorld world_;
  Random random_;
  core::Instant counted_from_{}, counted_until_{};
  Listening out_;
  std::vector<double> picked_, floor_, all_;
};

/// What the follower of the catalogue does, more slowly: it asks its directory where each shard is, and calls
/// the first node of its order. So a node knows the members, and is connected to some, as in production.
Task<void> Listeners::follow_catalogue(StreamingProcess& process) {
  for (auto shard = static_cast<std::uint32_t>(random_.below(kShards)); process.alive();
       shard = (shard + 1) % kShards) {
    const auto deadline = world_.now() + kPatience;
    const auto order =
        co_await process.directory().order(distributed::placement::partition_of_shard(shard), deadline);
    const auto first = std::ranges::find_if(
        order, [](const auto& candidate) { return !candidate.self && !candidate.silent; });
    if (first != order.end()) co_await process.greet(first->contact, deadline);
    co_await world_.timers().sleep_until(world_.now() + kShardPause);
  }
}

Task<void> Listeners::listen(StreamingProcess& process, HostId host) {
  co_await world_.timers().sleep_until(world_.now() + kSettling +
                                       Duration(random_.between(0, kWarmUp.count())));
  Wish wish{&world_.any_song(), false, world_.now()};
  while (process.alive()) {
    const auto floor = world_.floor(host, *wish.song);
    const auto duration = Duration(wish.song->record->song.properties.duration);
    const bool heard_to_its_end = random_.chance(kForeseen);
    const auto heard = heard_to_its_end ? duration : Duration(random_.between(1, duration.count()));
    Player player(wish.at, static_cast<double>(wish.song->record->song.size) / in_seconds(duration));
    const bool played = co_await play(process, wish, wish.at + heard, player);
    if (!process.alive()) co_return;
    count(wish, player, floor, played);
    const auto next = played ? player.began() + player.silence() + heard : world_.now() + kAnnoyed;
    co_await world_.timers().sleep_until(heard_to_its_end && played ? next - kSoughtBefore : next);
    wish = {&world_.any_song(), heard_to_its_end && played, next};
  }
}

/// Reads what is heard until then, no further ahead than a player does.
Task<bool> Listeners::play(StreamingProcess& process, const Wish& wish, core::Instant until, Player& player) {
  const auto& song = wish.song->record->song;
  if (process.holds(song.id)) {
    player.has(song.size, world_.now());
    co_return true;
  }
  auto stream = co_await process.open(song.id, {0, song.size}, world_.now() + kPatience);
  if (!stream) co_return false;
  std::vector<std::uint8_t> buffer(kReadBytes);
  std::uint64_t have = 0;
  while (process.alive() && have < song.size && world_.now() < until) {
    if (player.begun() && player.needed(have) - world_.now() > kAhead) {
      co_await world_.timers().sleep_until(std::min(player.needed(have) - kAhead, until));
      continue;
    }
    const auto size = co_await (*stream)->read(buffer, world_.now() + kPatience);
    if (!size || *size == 0) co_return false;
    player.has(have += *size, world_.now());
  }
  co_return true;
}

void Listeners::count(const Wish& wish, const Player& player, Duration floor, bool played) {
  if (wish.at < counted_from_ || wish.at >= counted_until_) return;
  ++out_.plays;
  if (!played) ++out_.failed;
  if (!player.begun()) return;
  const auto latency = in_milliseconds(player.latency());
  all_.push_back(latency);
  if (!wish.foreseen) {
    picked_.push_back(latency);
    floor_.push_back(in_milliseconds(floor));
  }
  if (player.silence() > Duration{}) ++out_.stuttered;
  out_.silent_seconds += in_seconds(player.silence());
  out_.heard_seconds += in_seconds(world_.now() - player.began());
}

void Listeners::advance(Duration duration, const char* doing) {
  const auto end = world_.now() + duration;
  while (world_.now() < end) {
    world_.engine().run_until(std::min(end, world_.now() + 60s));
    progress_(fmt::format("{} nodes, {} at {:.0f} s: {} plays, {:.1f} M events", options_.nodes, doing,
                          in_seconds(world_.now().time_since_epoch()), out_.plays,
                          static_cast<double>(world_.engine().events()) / 1e6));
  }
}

Listening Listeners::run() {
  out_.options = options_;
  advance(world_.join() - world_.now(), "joining");
  if (options_.churn) world_.begin_churn();
  advance(kSettling + kWarmUp, "settling");
  const auto traffic = world_.swarm().traffic().datagrams;
  const auto lookups = world_.lookups().lookups();
  const auto departures = world_.departures();
  counted_from_ = world_.now();
  counted_until_ = counted_from_ + options_.lasting;
  advance(options_.lasting, "listening");
  out_.lookups = world_.lookups().lookups() - lookups;
  out_.departures = world_.departures() - departures;
  out_.datagrams_per_second = static_cast<double>(world_.swarm().traffic().datagrams - traffic) /
                              options_.nodes / in_seconds(options_.lasting);
  advance(kLastSong, "hearing the last songs");
  out_.picked = percentiles(picked_);
  out_.floor = percentiles(floor_);
  out_.all = percentiles(all_);
  std::uint64_t pieces = 0, hedged = 0;
  for (const auto* process : world_.processes()) {
    pieces += process->counters().pieces;
    hedged += process->counters().hedged;
  }
  out_.hedged = pieces == 0 ? 0 : static_cast<double>(hedged) / static_cast<double>(pieces);
  out_.events = world_.engine().events();
  out_.cpu_seconds = static_cast<double>(std::clock() - cpu_before_) / CLOCKS_PER_SEC;
  out_.trace_hash = world_.engine().trace().value();
  return std::move(out_);
}

std::string json_of(const Percentiles& p) {
  return fmt::format(R"({{"count":{},"ms_p50":{:.1f},"ms_p90":{:.1f},"ms_p99":{:.1f}}})", p.count, p.p50,
                     p.p90, p.p99);
}

std::string row(const char* name, const Percentiles& p) {
  return fmt::format("{:<46}{:>8}{:>9.0f}{:>9.0f}{:>9.0f}\n", name, p.count, p.p50, p.p90, p.p99);
}

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

Listening measure_listening(const ListeningOptions& options,
                            const std::function<void(const std::string&)>& progress) {
  return Listeners(options, progress).run();
}

std::string as_json(const Listening& l) {
  return fmt::format(
      R"({{"seed":{},"nodes":{},"songs":{},"hours":{:.2f},"churn":{},"picked":{},"floor":{},"all":{},"plays":{},"failed":{},"stuttered":{},"silent_seconds":{:.1f},"heard_seconds":{:.0f},"hedged":{:.4f},"lookups":{},"departures":{},"datagrams_per_second":{:.2f},"events":{},"cpu_seconds":{:.1f},"trace_hash":"{:016x}"}})",
      l.options.seed, l.options.nodes, l.options.songs, in_seconds(l.options.lasting) / 3600, l.options.churn,
      json_of(l.picked), json_of(l.floor), json_of(l.all), l.plays, l.failed, l.stuttered, l.silent_seconds,
      l.heard_seconds, l.hedged, l.lookups, l.departures, l.datagrams_per_second, l.events, l.cpu_seconds,
      l.trace_hash);
}

std::string as_text(const Listening& l) {
  std::string out = fmt::format("{} nodes, {} songs, {:.1f} h, seed {}{}\n", l.options.nodes, l.options.songs,
                                in_seconds(l.options.lasting) / 3600, l.options.seed,
                                l.options.churn ? "" : ", nobody comes or goes");
  out += fmt::format("{:<46}{:>8}{:>9}{:>9}{:>9}\n", "from the wish to the sound, ms", "plays", "p50", "p90",
                     "p99");
  out += row("picked: nobody could foresee it", l.picked) +
         row("  at the least: two round trips to connect, one", l.floor) + row("all", l.all);
  out += fmt::format("{} plays, {} failed; {:.3f} % stuttered, {:.1f} s of silence in {:.0f} h of music\n",
                     l.plays, l.failed, 100 * share(l.stuttered, l.plays), l.silent_seconds,
                     l.heard_seconds / 3600);
  out += fmt::format(
      "{:.1f} % of the pieces were asked of a second holder; {} lookups, {} departures, {:.1f} datagrams/s "
      "sent "
      "per node\n",
      100 * l.hedged, l.lookups, l.departures, l.datagrams_per_second);
  out += fmt::format("{:.1f} M events in {:.1f} s of CPU; trace {:016x}\n",
                     static_cast<double>(l.events) / 1e6, l.cpu_seconds, l.trace_hash);
  return out;
}

}  // namespace kadenza::sim
