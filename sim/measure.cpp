// SPDX-License-Identifier: AGPL-3.0-or-later
#include "sim/measure.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <numeric>

#include <fmt/format.h>
#include <malloc.h>
#include <sys/resource.h>

#include "sim/actions.hpp"
#include "sim/durations.hpp"
#include "sim/kademlia_swarm.hpp"
#include "sim/population.hpp"
#include "sim/probes.hpp"
#include "sim/quantile.hpp"

namespace kadenza::sim {

namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::array<std::pair<Scenario, std::string_view>, 6> kNames{{{Scenario::kCalm, "calm"},
                                                                       {Scenario::kLoss1, "loss1"},
                                                                       {Scenario::kLoss5, "loss5"},
                                                                       {Scenario::kDead10, "dead10"},
                                                                       {Scenario::kDead30, "dead30"},
                                                                       {Scenario::kChurn, "churn"}}};

constexpr core::Duration kIdle = minutes(5);        // window in which maintenance is counted
constexpr core::Duration kMeasuring = seconds(20);  // window in which the lookups begin
constexpr core::Duration kGrace = seconds(60);      // for the last ones to end
constexpr core::Duration kChurnBefore = minutes(30);
constexpr double kChurnPerMinute = 0.693147 / 60;  // exponential sessions with a median of 60 minutes
constexpr core::Duration kDownMean = minutes(10);

double mean(const std::vector<double>& values) {
  return values.empty()
             ? 0
             : std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

LookupFigures figures(const std::vector<LookupRecord>& records, kademlia::LookupGoal::Kind kind) {
  std::vector<double> hops, messages, took;
  double found = 0, wanted = 0, found_first = 0, wanted_first = 0;
  for (const auto& record : records) {
    if (record.kind != kind) continue;
    hops.push_back(record.hops);
    messages.push_back(record.sent);
    took.push_back(in_milliseconds(record.took));
    found += record.found;
    wanted += record.wanted;
    found_first += record.found_first;
    wanted_first += std::min<std::uint16_t>(record.wanted, LookupRecord::kFirst);
  }
  LookupFigures out{.lookups = took.size(), .hops_mean = mean(hops), .messages_mean = mean(messages)};
  out.hops_p99 = quantile(hops, 0.99);
  out.messages_p99 = quantile(messages, 0.99);
  out.ms_p50 = quantile(took, 0.5);
  out.ms_p99 = quantile(took, 0.99);
  out.ms_max = quantile(took, 1);
  out.recall = wanted == 0 ? 0 : found / wanted;
  out.recall_3 = wanted_first == 0 ? 0 : found_first / wanted_first;
  return out;
}

class Laboratory {
 public:
  Laboratory(const MeasureOptions& options, const std::function<void(const std::string&)>& progress);
  Measurement run();

 private:
  void build();
  void settle();
  void happen();
  void measure_idle();
  void measure_tables();
  void measure_round_trips();
  void advance(core::Duration duration, const char* doing);

  const MeasureOptions options_;
  const std::function<void(const std::string&)>& progress_;
  const std::size_t heap_before_ = mallinfo2().uordblks;
  const std::clock_t cpu_before_ = std::clock();
  Engine engine_;
  Random random_;
  Network network_;
  Actions actions_{engine_};
  kademlia::Config config_;
  KademliaSwarm swarm_;
  Population population_;
  Probes probes_;
  Measurement out_;
};

Laboratory::Laboratory(const MeasureOptions& options, const std::function<void(const std::string&)>& progress)
    : options_(options),
      progress_(progress),
      engine_(options.seed),
      random_(engine_.random().fork()),
      network_(engine_.random().fork()),
      swarm_(engine_, network_, config_),
      population_(engine_, actions_, swarm_),
      probes_(engine_, actions_, swarm_, population_) {
  out_.options = options;
  config_.rate_sources = KademliaSwarm::kRateSources;
}

void Laboratory::advance(core::Duration duration, const char* doing) {
  const core::Instant end = engine_.now() + duration;
  while (engine_.now() < end) {
    engine_.run_until(std::min(end, engine_.now() + seconds(30)));
    progress_(fmt::format("{} nodes, {}: {} at {:.0f} s, {:.1f} M events", options_.nodes,
                          to_string(options_.scenario), doing,
                          std::chrono::duration<double>(engine_.now().time_since_epoch()).count(),
                          static_cast<double>(engine_.events()) / 1e6));
  }
}

void Laboratory::build() {
  if (options_.scenario == Scenario::kLoss1) network_.faults.loss = 0.01;
  if (options_.scenario == Scenario::kLoss5) network_.faults.loss = 0.05;
  std::vector<HostId> hosts;
  for (std::uint32_t i = 0; i < options_.nodes; ++i) {
    KademliaSwarm::HostOptions host;
    host.capacity_class = static_cast<std::uint8_t>(random_.between(1, 16));
    host.clock.offset = seconds(random_.between(1, 1'000'000));
    hosts.push_back(swarm_.add_host(host));
  }
  // A network does not appear at once: it takes 200 s, or as long as 20 joins a second need.
  const double per_second = std::max(20.0, options_.nodes / 200.0);
  advance(population_.join(hosts, per_second) - engine_.now(), "joining");
}

void Laboratory::settle() {
  advance(options_.settle, "settling");
  if (options_.scenario != Scenario::kChurn) return;
  population_.begin_churn({kChurnPerMinute, kDownMean, 1});
  advance(kChurnBefore, "churning");
}

void Laboratory::measure_idle() {
  const auto before = swarm_.traffic();
  advance(kIdle, "idle");
  const double node_seconds = options_.nodes * std::chrono::duration<double>(kIdle).count();
  out_.idle_bytes_per_second = static_cast<double>(swarm_.traffic().bytes - before.bytes) / node_seconds;
  out_.idle_datagrams_per_second =
      static_cast<double>(swarm_.traffic().datagrams - before.datagrams) / node_seconds;
}

void Laboratory::measure_tables() {
  std::vector<double> contacts;
  for (HostId host = 0; host < swarm_.size(); ++host) {
    if (swarm_.running(host)) contacts.push_back(static_cast<double>(swarm_.node(host).table().size()));
  }
  out_.contacts_mean = mean(contacts);
  out_.heap_bytes_per_node = static_cast<double>(mallinfo2().uordblks - heap_before_) / options_.nodes;
}

void Laboratory::measure_round_trips() {
  std::vector<double> trips;
  for (int i = 0; i < 20'000; ++i) {
    const auto a = static_cast<HostId>(random_.below(swarm_.size()));
    const auto b = static_cast<HostId>(random_.below(swarm_.size()));
    if (a != b) trips.push_back(in_milliseconds(network_.round_trip(a, b)));
  }
  out_.rtt_ms_p50 = quantile(trips, 0.5);
  out_.rtt_ms_p99 = quantile(trips, 0.99);
}

void Laboratory::happen() {
  const double share = options_.scenario == Scenario::kDead10   ? 0.1
                       : options_.scenario == Scenario::kDead30 ? 0.3
                                                                : 0;
  for (auto victims = static_cast<std::uint32_t>(share * options_.nodes); victims > 0; --victims) {
    swarm_.crash(population_.any_running(), KademliaSwarm::Table::kLost);
  }
}

Measurement Laboratory::run() {
  build();
  settle();
  measure_idle();
  measure_tables();
  measure_round_trips();
  happen();
  probes_.begin(2.0 * options_.lookups / std::chrono::duration<double>(kMeasuring).count(), kMeasuring);
  advance(kMeasuring + kGrace, "looking up");
  out_.nearest = figures(probes_.records(), kademlia::LookupGoal::Kind::kNearest);
  out_.read = figures(probes_.records(), kademlia::LookupGoal::Kind::kRead);
  out_.never_ended = probes_.pending_longer_than(kGrace / 2);
  out_.events = engine_.events();
  out_.cpu_seconds = static_cast<double>(std::clock() - cpu_before_) / CLOCKS_PER_SEC;
  out_.trace_hash = engine_.trace().value();
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  out_.resident_megabytes = static_cast<double>(usage.ru_maxrss) / 1024;
  return out_;
}

std::string json_of(const LookupFigures& f) {
  return fmt::format(
      R"({{"lookups":{},"hops_mean":{:.3f},"hops_p99":{},"messages_mean":{:.2f},"messages_p99":{},"ms_p50":{:.1f},"ms_p99":{:.1f},"ms_max":{:.1f},"recall":{:.6f},"recall_3":{:.6f}}})",
      f.lookups, f.hops_mean, f.hops_p99, f.messages_mean, f.messages_p99, f.ms_p50, f.ms_p99, f.ms_max,
      f.recall, f.recall_3);
}

std::string text_of(const char* name, const LookupFigures& f) {
  return fmt::format(
      "{:<12}{:>8}{:>8.2f}{:>6.0f}{:>10.1f}{:>6.0f}{:>10.0f}{:>8.0f}{:>8.0f}{:>10.5f}{:>10.5f}\n", name,
      f.lookups, f.hops_mean, f.hops_p99, f.messages_mean, f.messages_p99, f.ms_p50, f.ms_p99, f.ms_max,
      f.recall, f.recall_3);
}

}  // namespace

std::string_view to_string(Scenario scenario) {
  return std::find_if(kNames.begin(), kNames.end(), [&](const auto& name) { return name.first == scenario; })
      ->second;
}

std::optional<Scenario> parse_scenario(std::string_view text) {
  for (const auto& [scenario, name] : kNames) {
    if (name == text) return scenario;
  }
  return std::nullopt;
}

Measurement measure(const MeasureOptions& options, const std::function<void(const std::string&)>& progress) {
  return Laboratory(options, progress).run();
}

std::string as_json(const Measurement& m) {
  return fmt::format(
      R"({{"seed":{},"nodes":{},"scenario":"{}","nearest":{},"read":{},"never_ended":{},"idle_bytes_per_second":{:.1f},"idle_datagrams_per_second":{:.3f},"contacts_mean":{:.1f},"heap_bytes_per_node":{:.0f},"resident_megabytes":{:.0f},"rtt_ms_p50":{:.1f},"rtt_ms_p99":{:.1f},"events":{},"cpu_seconds":{:.2f},"events_per_second":{:.0f},"trace_hash":"{:016x}"}})",
      m.options.seed, m.options.nodes, to_string(m.options.scenario), json_of(m.nearest), json_of(m.read),
      m.never_ended, m.idle_bytes_per_second, m.idle_datagrams_per_second, m.contacts_mean,
      m.heap_bytes_per_node, m.resident_megabytes, m.rtt_ms_p50, m.rtt_ms_p99, m.events, m.cpu_seconds,
      static_cast<double>(m.events) / m.cpu_seconds, m.trace_hash);
}

std::string as_text(const Measurement& m) {
  std::string out =
      fmt::format("{} nodes, {}, seed {}\n", m.options.nodes, to_string(m.options.scenario), m.options.seed);
  out += fmt::format("{:<12}{:>8}{:>8}{:>6}{:>10}{:>6}{:>10}{:>8}{:>8}{:>10}{:>10}\n", "lookup", "count",
                     "hops", "p99", "messages", "p99", "ms p50", "p99", "max", "recall 20", "recall 3");
  out += text_of("nearest 20", m.nearest) + text_of("read", m.read);
  out += fmt::format(
      "round trip between two nodes: p50 {:.0f} ms, p99 {:.0f} ms; lookups that never ended: {}\n",
      m.rtt_ms_p50, m.rtt_ms_p99, m.never_ended);
  out += fmt::format(
      "idle: {:.0f} B/s and {:.2f} datagrams/s sent per node; {:.0f} contacts and {:.1f} KB of heap per "
      "node\n",
      m.idle_bytes_per_second, m.idle_datagrams_per_second, m.contacts_mean, m.heap_bytes_per_node / 1000);
  out +=
      fmt::format("{:.1f} M events in {:.1f} s of CPU: {:.0f} events/s; {:.0f} MB resident; trace {:016x}\n",
                  static_cast<double>(m.events) / 1e6, m.cpu_seconds,
                  static_cast<double>(m.events) / m.cpu_seconds, m.resident_megabytes, m.trace_hash);
  return out;
}

}  // namespace kadenza::sim
