// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"

namespace kadenza::sim {

/// A condition under which lookups are measured.
enum class Scenario : std::uint8_t {
  kCalm,
  kLoss1,  ///< 1 % of the datagrams are lost, from the start
  kLoss5,
  kDead10,  ///< 10 % of the nodes die at once; measured right after
  kDead30,
  kChurn,  ///< median session 60 min, as many joins as crashes
};
std::string_view to_string(Scenario scenario);
std::optional<Scenario> parse_scenario(std::string_view text);

struct MeasureOptions {
  std::uint64_t seed = 1;
  std::uint32_t nodes = 1000;
  Scenario scenario = Scenario::kCalm;
  std::uint32_t lookups = 2000;                      ///< of each kind
  core::Duration settle = std::chrono::minutes(12);  ///< between the last join and the first lookup
};

struct LookupFigures {
  std::size_t lookups = 0;
  double hops_mean = 0, hops_p99 = 0;
  double messages_mean = 0, messages_p99 = 0;  ///< requests sent, with repetitions
  double ms_p50 = 0, ms_p99 = 0, ms_max = 0;
  double recall = 0;    ///< share of the true nearest 20 in the result
  double recall_3 = 0;  ///< share of the true nearest 3
};

struct Measurement {
  MeasureOptions options;
  LookupFigures nearest, read;
  std::uint64_t never_ended = 0;
  double idle_bytes_per_second = 0;  ///< sent by one node for its maintenance, headers included
  double idle_datagrams_per_second = 0;
  double contacts_mean = 0;               ///< in one routing table
  double heap_bytes_per_node = 0;         ///< of everything alive in the simulator
  double resident_megabytes = 0;          ///< of the process, at most
  double rtt_ms_p50 = 0, rtt_ms_p99 = 0;  ///< between two random nodes: the yardstick for the latencies
  std::uint64_t events = 0;
  double cpu_seconds = 0;
  std::uint64_t trace_hash = 0;
};

/// Builds a network, lets it settle, makes the scenario happen, and measures lookups of random nodes for
/// random keys. `progress` hears a line of text now and then.
Measurement measure(const MeasureOptions& options, const std::function<void(const std::string&)>& progress);

std::string as_json(const Measurement& measurement);
std::string as_text(const Measurement& measurement);

}  // namespace kadenza::sim
