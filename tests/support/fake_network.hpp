// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <atomic>
#include <optional>
#include <vector>

#include "core/network.hpp"
#include "core/sha256.hpp"

namespace kadenza::testing {

inline core::NodeId node_id(std::string_view name) {
  return {core::sha256(name).bytes};
}

/// A network that always looks the same: one living, one suspected, one dead contact and a candidate.
class FakeNetwork final : public core::Network {
 public:
  core::Task<core::Result<core::NetworkSnapshot>> snapshot(core::Deadline) override {
    if (error) co_return std::unexpected(*error);
    co_return made_snapshot();
  }
  core::Task<core::Result<core::LookupTrace>> lookup(core::NodeId key, core::Deadline) override {
    if (error) co_return std::unexpected(*error);
    co_return made_trace(key);
  }

  core::Task<core::Result<std::vector<core::SongHolder>>> holders(core::SongId, core::Deadline) override {
    if (error) co_return std::unexpected(*error);
    co_return std::vector<core::SongHolder>{{node_id("live"), false}, {node_id("self"), true}};
  }

  static core::NetworkSnapshot made_snapshot() {
    using State = core::NetworkContact::State;
    using namespace std::chrono_literals;
    core::NetworkSnapshot seen;
    seen.self = node_id("self");
    seen.endpoint = "192.0.2.1:4748";
    seen.estimated_nodes = 4.6;
    seen.joined = true;
    seen.traffic = {{"datagrams_in", 7}, {"bytes_in", 700}, {"dropped_size", 3}};
    seen.refused = {{"plain_text", 2}, {"removed", 0}};
    seen.settings = {.replicas = 3, .write_quorum = 2, .candidates = 40, .partitions = 65536};
    seen.repair = {.songs = 40,
                   .under_replicated = 3,
                   .bytes_to_move = 5000,
                   .time_left = std::chrono::milliseconds(250),
                   .songs_copied = 8,
                   .bytes_copied = 8000,
                   .copies_failed = 1,
                   .surplus = 7,
                   .handed_over = 6,
                   .scrubbed_bytes = 90'000,
                   .scrub_passes = 2,
                   .scrub_progress = 0.5,
                   .rotten = 4,
                   .healed = 3,
                   .departure = core::Departure{
                       .songs = 9, .bytes = 900, .safe_songs = 8, .safe_bytes = 800, .homeless_songs = 1}};
    seen.members.push_back({.id = node_id("live"),
                            .name = "attic",
                            .http = {"https://192.0.2.2:4747"},
                            .healthy = true,
                            .leaving = true,
                            .round_trip = 1500us,
                            .stored_bytes = 5,
                            .capacity_bytes = 100});
    seen.round_trips = {{{1ms, 2}, {10ms, 5}}, 6, 30ms};
    seen.buckets.push_back(
        {0,
         {{node_id("live"), "192.0.2.2:4748", 9, State::kLive, 1500us, 12s},
          {node_id("suspected"), "192.0.2.3:4748", 1, State::kSuspected, 2ms, std::nullopt},
          {node_id("dead"), "[2001:db8::1]:4748", 1, State::kDead, 3ms, std::nullopt}},
         {{node_id("candidate"), "192.0.2.5:4748", 1, State::kCandidate, std::nullopt, std::nullopt}}});
    return seen;
  }

  static core::LookupTrace made_trace(const core::NodeId& key) {
    using State = core::LookupHop::State;
    using namespace std::chrono_literals;
    core::LookupTrace trace;
    trace.key = key;
    trace.took = 4ms;
    trace.nearer_than_self = 1;
    trace.nearest.push_back(
        {node_id("near"), "192.0.2.6:4748", 2, core::NetworkContact::State::kLive, 2ms, std::nullopt});
    trace.hops.push_back(
        {node_id("live"), "192.0.2.2:4748", 1, std::nullopt, 3, State::kAnswered, 0ms, 1500us});
    trace.hops.push_back(
        {node_id("near"), "192.0.2.6:4748", 2, node_id("live"), 9, State::kAnswered, 2ms, 2ms});
    trace.hops.push_back(
        {node_id("dead"), "192.0.2.7:4748", 2, node_id("live"), 8, State::kFailed, 2ms, std::nullopt});
    return trace;
  }

  std::optional<core::Error> error;
};

}  // namespace kadenza::testing
