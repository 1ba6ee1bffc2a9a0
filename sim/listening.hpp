// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "core/clock.hpp"

namespace kadenza::sim {

/// People who listen on the simulated internet, as Spotify's did in 2010 (Kreitz and Niemelä, "Spotify: Large
/// Scale, Low Latency, P2P Music-on-Demand Streaming", 2010): 61 % of the plays follow the one before, which
/// is heard to its end, and are sought 30 s before it; for the others somebody picks a song.
struct ListeningOptions {
  std::uint64_t seed = 1;
  std::uint32_t nodes = 1000;    ///< half of them store songs, the others only listen
  std::uint32_t songs = 10'000;  ///< popularity by Zipf's law
  core::Duration lasting = std::chrono::hours(1);
  double loss = 0.001;  ///< of segments and datagrams
  bool churn = true;
};

struct Percentiles {
  std::size_t count = 0;
  double p50 = 0, p90 = 0, p99 = 0;  ///< milliseconds
};

struct Listening {
  ListeningOptions options;
  Percentiles picked;  ///< from the wish to the sound, of plays that nobody could foresee
  Percentiles floor;   ///< of the same: two round trips to connect to the nearest live holder and one to ask
  Percentiles all;
  std::uint64_t plays = 0, failed = 0, stuttered = 0;
  double silent_seconds = 0;  ///< of all stutters
  double heard_seconds = 0;
  double hedged = 0;  ///< share of pieces for which a second holder was asked
  std::uint64_t lookups = 0, departures = 0;
  double datagrams_per_second = 0;  ///< sent by one node, for lookups and maintenance
  std::uint64_t events = 0;
  double cpu_seconds = 0;
  std::uint64_t trace_hash = 0;
};

/// Builds a network with songs on their holders, lets it settle, and lets a person at every node listen.
/// `progress` hears a line of text now and then.
Listening measure_listening(const ListeningOptions& options,
                            const std::function<void(const std::string&)>& progress);

std::string as_json(const Listening& listening);
std::string as_text(const Listening& listening);

}  // namespace kadenza::sim
