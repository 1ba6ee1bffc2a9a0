// SPDX-License-Identifier: AGPL-3.0-or-later
#include "sim/library_command.hpp"

#include <chrono>
#include <cstdio>
#include <ctime>
#include <map>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "sim/library_run.hpp"

namespace kadenza::sim {
namespace {

using Happened = std::map<std::string, std::uint64_t>;

std::string text_of(const Happened& happened) {
  std::string text;
  for (const auto& [what, count] : happened)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, what);
  return text;
}

/// Prints what went wrong and how to see it again.
bool report(std::uint64_t seed, const LibraryOptions& options, const LibraryReport& result) {
  for (const auto& violation : result.violations) fmt::print("violation: {}\n", violation);
  if (result.violations.empty()) return true;
  fmt::print("options: {}\nreproduce: kadenza-sim library --seed {}\n", options.text(), seed);
  return false;
}

bool run_one(std::uint64_t seed) {
  const auto options = LibraryOptions::draw(seed);
  fmt::print("seed {}: {}\n", seed, options.text());
  const auto result = run_library(seed, options);
  fmt::print("trace {:016x}, {} events, whole {:.0f} s after the last answers\n{}\n", result.trace_hash,
             result.events, std::chrono::duration<double>(result.healed).count(), text_of(result.happened));
  return report(seed, options, result);
}

double processor_minutes() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC / 60;
}

bool run_many(std::uint64_t from, std::uint64_t count, std::uint64_t step) {
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  double node_hours = 0;
  Happened happened;
  const auto begun = processor_minutes();
  const auto so_far = [&] {
    return fmt::format("{} seeds, {} failed, {:.0f} node-hours, {:.0f} a minute of processor time", done,
                       failed, node_hours, node_hours / (processor_minutes() - begun));
  };
  for (auto seed = from; seed < from + count; seed += step) {
    const auto options = LibraryOptions::draw(seed);
    const auto result = run_library(seed, options);
    failed += report(seed, options, result) ? 0 : 1;
    node_hours += result.node_hours;
    for (const auto& [what, times] : result.happened) happened[what] += times;
    if (++done % 20 == 0) fmt::print(stderr, "{}\n", so_far());
  }
  fmt::print("{}\n{}\n", so_far(), text_of(happened));
  return failed == 0;
}

}  // namespace

LibraryCommand::LibraryCommand(CLI::App& app) {
  one_ = app.add_subcommand("library",
                            "One run of whole members: upload, placement, repair, streaming, catalogue");
  one_->add_option("--seed", seed_, "Decides everything")->required();
  many_ = app.add_subcommand("libraries", "Many such runs, one after the other");
  many_->add_option("--from", from_, "The first seed")->capture_default_str();
  many_->add_option("--count", count_, "The range of seeds")->capture_default_str();
  many_->add_option("--step", step_, "Only every so-manieth seed, to share the range among processes")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
}

bool LibraryCommand::chosen() const {
  return one_->parsed() || many_->parsed();
}

bool LibraryCommand::run() const {
  spdlog::set_level(spdlog::level::off);  // what a node logs of faults is no news here
  return one_->parsed() ? run_one(seed_) : run_many(from_, count_, step_);
}

}  // namespace kadenza::sim
