// SPDX-License-Identifier: AGPL-3.0-or-later
#include <chrono>
#include <cstdio>
#include <exception>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "core/planted_bugs.hpp"
#include "sim/balance.hpp"
#include "sim/idle.hpp"
#include "sim/kademlia_swarm.hpp"
#include "sim/library_command.hpp"
#include "sim/listening.hpp"
#include "sim/measure.hpp"
#include "sim/swarm_run.hpp"

namespace kadenza::sim {
namespace {

constexpr const char* kExamples = R"(Examples:
  kadenza-sim run --seed 42                          one swarm run; its options are drawn from the seed
  kadenza-sim seeds --from 1 --count 200 --nodes 300 what ./test runs, in one process
  kadenza-sim seeds --from 1 --count 100000          a night; two cores: two processes with other seeds
  kadenza-sim library --seed 42                      whole members with songs, under the faults of the seed
  kadenza-sim libraries --from 1 --count 300         what ./test runs of them
  kadenza-sim measure --nodes 10000 --scenario dead30
  kadenza-sim measure --nodes 1000 --scenario churn --json
  kadenza-sim listen --nodes 1000 --hours 1           people who listen, with lines, churn and lost packets
  kadenza-sim idle --nodes 20 --songs 1000            what comparing costs while nothing happens
  kadenza-sim balance --nodes 20 --class 8 --class 9 --class 10
)";

void progress(const std::string& text) {
  fmt::print(stderr, "{}\n", text);
}

/// Prints what went wrong and how to see it again.
bool report(std::uint64_t seed, std::uint32_t nodes, const SwarmOptions& options, const SwarmReport& report) {
  for (const auto& violation : report.violations) fmt::print("violation: {}\n", violation);
  if (report.violations.empty()) return true;
  fmt::print("options: {}\nreproduce: kadenza-sim run --seed {} --nodes {}\n", options.text(), seed, nodes);
  return false;
}

bool run_one(std::uint64_t seed, std::uint32_t nodes) {
  const SwarmOptions options = options_of(seed, nodes);
  fmt::print("seed {}: {}\n", seed, options.text());
  const SwarmReport result = run_swarm(seed, options);
  fmt::print("trace {:016x}, {} events, {} lookups in the liveness phase with recall {:.5f}\n",
             result.trace_hash, result.events, result.lookups, result.recall);
  return report(seed, nodes, options, result);
}

bool run_many(std::uint64_t from, std::uint64_t count, std::uint64_t step, std::uint32_t nodes) {
  std::uint64_t failed = 0;
  std::uint64_t events = 0;
  std::uint64_t done = 0;
  for (std::uint64_t seed = from; seed < from + count; seed += step) {
    const SwarmOptions options = options_of(seed, nodes);
    const SwarmReport result = run_swarm(seed, options);
    failed += report(seed, nodes, options, result) ? 0 : 1;
    events += result.events;
    if (++done % 20 == 0)
      progress(fmt::format("{} seeds, {} failed, {:.1f} M events", done, failed,
                           static_cast<double>(events) / 1e6));
  }
  fmt::print("{} seeds, {} failed, {:.1f} M events\n", done, failed, static_cast<double>(events) / 1e6);
  return failed == 0;
}

int main_with(int argc, char** argv) {
  CLI::App app("Simulates networks of Kadenza nodes: same seed, same run.");
  app.footer(kExamples);
  app.require_subcommand(1);

  std::uint64_t seed = 1;
  std::uint32_t nodes = 0;
  auto* run =
      app.add_subcommand("run", "One run with faults, then without; exit code 1 when a checker objects");
  run->add_option("--seed", seed, "Decides everything")->required();
  run->add_option("--nodes", nodes, "How many; 0 = drawn from the seed")->capture_default_str();

  std::uint64_t from = 1;
  std::uint64_t count = 100;
  std::uint64_t step = 1;
  auto* seeds = app.add_subcommand("seeds", "Many runs, one after the other");
  seeds->add_option("--from", from, "The first seed")->capture_default_str();
  seeds->add_option("--count", count, "The range of seeds")->capture_default_str();
  seeds->add_option("--step", step, "Only every so-manieth seed, to share the range among processes")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  seeds->add_option("--nodes", nodes, "How many; 0 = drawn from each seed")->capture_default_str();

  const LibraryCommand library(app);

  MeasureOptions options;
  std::string scenario = "calm";
  bool json = false;
  auto* figures = app.add_subcommand("measure", "Hops, messages, latency, recall, memory and idle traffic");
  figures->add_option("--nodes", options.nodes, "How many")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  figures->add_option("--scenario", scenario, "calm, loss1, loss5, dead10, dead30 or churn")
      ->check(CLI::IsMember({"calm", "loss1", "loss5", "dead10", "dead30", "churn"}))
      ->capture_default_str();
  figures->add_option("--seed", options.seed, "Decides everything")->capture_default_str();
  figures->add_option("--lookups", options.lookups, "Of each kind")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  std::int64_t settle_minutes = 12;
  figures->add_option("--settle", settle_minutes, "Minutes between the last join and the first lookup")
      ->capture_default_str();
  figures->add_flag("--json", json, "One line of JSON instead of a table");

  BalanceOptions keys;
  auto* balance = app.add_subcommand("balance", "How evenly placement spreads keys, and what a join moves");
  balance->add_option("--nodes", keys.nodes, "How many")->check(CLI::PositiveNumber)->capture_default_str();
  balance->add_option("--keys", keys.keys, "How many")->check(CLI::PositiveNumber)->capture_default_str();
  balance->add_option("--class", keys.classes, "Capacity classes, in turn")->check(CLI::Range(1, 16));
  balance->add_option("--replicas", keys.settings.replicas, "R")->capture_default_str();
  balance->add_option("--candidates", keys.settings.candidates, "C")->capture_default_str();
  balance->add_option("--seed", keys.seed, "Decides everything")->capture_default_str();
  balance->add_flag("--json", json, "One line of JSON instead of a table");

  ListeningOptions listening;
  double hours = 1;
  auto* listen = app.add_subcommand("listen", "How soon a song sounds, and how often the music stops");
  listen->add_option("--nodes", listening.nodes, "How many; half of them store songs")
      ->check(CLI::Range(4, 100'000))
      ->capture_default_str();
  listen->add_option("--songs", listening.songs, "How many")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  listen->add_option("--hours", hours, "Of listening, after a quarter of an hour that does not count")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  listen->add_option("--loss", listening.loss, "Share of the packets that get lost")
      ->check(CLI::Range(0.0, 0.5))
      ->capture_default_str();
  listen->add_option("--seed", listening.seed, "Decides everything")->capture_default_str();
  listen->add_flag("!--no-churn", listening.churn, "Nobody comes or goes");
  listen->add_flag("--json", json, "One line of JSON instead of a table");

  IdleOptions nothing;
  auto* idle = app.add_subcommand("idle", "Bytes that the nodes send each other while nothing happens");
  idle->add_option("--nodes", nothing.nodes, "How many")->check(CLI::Range(1, 100))->capture_default_str();
  idle->add_option("--songs", nothing.songs, "How many")->capture_default_str();
  idle->add_option("--seed", nothing.seed, "Decides everything")->capture_default_str();
  idle->add_flag("--json", json, "One line of JSON instead of a table");

#ifdef KADENZA_PLANTED_BUGS
  int bug = 0;
  app.add_option("--planted-bug", bug, "1 … 24, in the order of planted_bugs.hpp");
#endif

  CLI11_PARSE(app, argc, argv);
#ifdef KADENZA_PLANTED_BUGS
  core::planted_bug = static_cast<core::PlantedBug>(bug);
#endif
  if (run->parsed()) return run_one(seed, nodes) ? 0 : 1;
  if (seeds->parsed()) return run_many(from, count, step, nodes) ? 0 : 1;
  if (library.chosen()) return library.run() ? 0 : 1;
  if (balance->parsed()) {
    const Balance measured = measure_balance(keys);
    fmt::print("{}\n", json ? as_json(measured) : as_text(measured));
    return 0;
  }
  if (idle->parsed()) {
    const Idle measured = measure_idle(nothing);
    fmt::print("{}\n", json ? as_json(measured) : as_text(measured));
    return 0;
  }
  if (listen->parsed()) {
    listening.lasting = std::chrono::seconds(static_cast<std::int64_t>(hours * 3600));
    const Listening heard = measure_listening(listening, progress);
    fmt::print("{}\n", json ? as_json(heard) : as_text(heard));
    return 0;
  }
  options.settle = std::chrono::minutes(settle_minutes);
  options.scenario = *parse_scenario(scenario);
  const Measurement measurement = measure(options, progress);
  fmt::print("{}\n", json ? as_json(measurement) : as_text(measurement));
  return 0;
}

}  // namespace
}  // namespace kadenza::sim

int main(int argc, char** argv) {
  try {
    return kadenza::sim::main_with(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "kadenza-sim: {}\n", error.what());
    return 2;
  }
}
