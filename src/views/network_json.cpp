// SPDX-License-Identifier: AGPL-3.0-or-later
#include "views/network_json.hpp"

#include <cmath>

#include "views/json_writer.hpp"

namespace kadenza::views {

namespace {

/// Down to a microsecond: a round trip on one machine takes less than a tenth of a millisecond.
double milliseconds(core::Duration duration) {
  return std::round(std::chrono::duration<double, std::micro>(duration).count()) / 1000;
}

void write_milliseconds(JsonWriter& json, std::string_view name,
                        const std::optional<core::Duration>& duration) {
  json.key(name);
  duration ? json.value(milliseconds(*duration)) : json.null();
}

std::string_view name_of(core::NetworkContact::State state) {
  using enum core::NetworkContact::State;
  switch (state) {
    case kLive:
      return "live";
    case kSuspected:
      return "suspected";
    case kDead:
      return "dead";
    case kCandidate:
      break;
  }
  return "candidate";
}

std::string_view name_of(core::LookupHop::State state) {
  using enum core::LookupHop::State;
  switch (state) {
    case kAnswered:
      return "answered";
    case kLate:
      return "late";
    case kFailed:
      return "failed";
    case kNotNeeded:
      break;
  }
  return "not_needed";
}

void write_contacts(JsonWriter& json, std::string_view name,
                    const std::vector<core::NetworkContact>& contacts) {
  json.key(name).begin_array();
  for (const auto& contact : contacts) {
    json.begin_object().member("id", contact.id.text()).member("endpoint", contact.endpoint);
    json.member("capacity_class", unsigned{contact.capacity_class}).member("state", name_of(contact.state));
    write_milliseconds(json, "round_trip_ms", contact.round_trip);
    write_milliseconds(json, "heard_ago_ms", contact.heard_ago);
    json.end_object();
  }
  json.end_array();
}

void write_members(JsonWriter& json, const std::vector<core::NetworkMember>& members) {
  json.key("nodes").begin_array();
  for (const auto& member : members) {
    json.begin_object().member("id", member.id.text()).member("name", member.name);
    json.key("http").begin_array();
    for (const auto& url : member.http) json.value(url);
    json.end_array().member("self", member.self).member("healthy", member.healthy);
    json.member("state", member.healthy ? "live" : "dead").member("leaving", member.leaving);
    write_milliseconds(json, "round_trip_ms", member.round_trip);
    json.key("stored_bytes");
    member.stored_bytes ? json.value(*member.stored_bytes) : json.null();
    json.member("capacity_bytes", member.capacity_bytes).end_object();
  }
  json.end_array();
}

void write_round_trips(JsonWriter& json, const core::RoundTrips& trips) {
  json.key("round_trips").begin_object().member("count", trips.count);
  json.member("total_ms", milliseconds(trips.total)).key("at_most").begin_array();
  for (const auto& [bound, count] : trips.at_most)
    json.begin_object().member("ms", milliseconds(bound)).member("count", count).end_object();
  json.end_array().end_object();
}

void write_departure(JsonWriter& json, const core::Departure& departure) {
  json.begin_object().member("songs", departure.songs).member("bytes", departure.bytes);
  json.member("safe_songs", departure.safe_songs).member("safe_bytes", departure.safe_bytes);
  json.member("homeless_songs", departure.homeless_songs);
  json.member("documents_left", departure.documents_left).member("done", departure.done).end_object();
}

void write_documents(JsonWriter& json, const core::DocumentsState& documents) {
  json.key("documents").begin_object().member("held", documents.held).member("merged", documents.merged);
  json.member("surplus", documents.surplus).member("handed_over", documents.handed_over).end_object();
}

void write_settings(JsonWriter& json, const core::NetworkSettings& settings) {
  json.key("settings").begin_object().member("replicas", settings.replicas);
  json.member("write_quorum", settings.write_quorum).member("candidates", settings.candidates);
  json.member("partitions", settings.partitions).end_object();
}

void write_repair(JsonWriter& json, const core::RepairState& repair) {
  json.key("repair").begin_object().member("songs", repair.songs);
  json.member("under_replicated", repair.under_replicated).member("bytes_to_move", repair.bytes_to_move);
  write_milliseconds(json, "time_left_ms", repair.time_left);
  json.member("songs_copied", repair.songs_copied).member("bytes_copied", repair.bytes_copied);
  json.member("surplus", repair.surplus).member("handed_over", repair.handed_over);
  json.member("copies_failed", repair.copies_failed).member("scrubbed_bytes", repair.scrubbed_bytes);
  json.member("scrub_passes", repair.scrub_passes).member("scrub_progress", repair.scrub_progress);
  json.member("rotten", repair.rotten).member("healed", repair.healed);
  write_documents(json, repair.documents);
  json.key("departure");
  if (repair.departure) {
    write_departure(json, *repair.departure);
  } else {
    json.null();
  }
  json.end_object();
}

void write_hop(JsonWriter& json, const core::LookupHop& hop) {
  json.begin_object().member("id", hop.id.text()).member("endpoint", hop.endpoint).member("hop", hop.hop);
  json.key("told_by");
  hop.told_by ? json.value(hop.told_by->text()) : json.null();
  json.member("shared_bits", hop.shared_bits).member("state", name_of(hop.state));
  json.member("asked_after_ms", milliseconds(hop.asked_after));
  write_milliseconds(json, "took_ms", hop.took);
  json.end_object();
}

}  // namespace

std::string to_json(const core::NetworkSnapshot& snapshot) {
  JsonWriter json;
  json.begin_object().member("self", snapshot.self.text()).member("endpoint", snapshot.endpoint);
  json.member("estimated_nodes", std::llround(snapshot.estimated_nodes));
  json.member("joined", snapshot.joined).member("link_suspected", snapshot.link_suspected);
  write_settings(json, snapshot.settings);
  write_members(json, snapshot.members);
  json.key("buckets").begin_array();
  for (const auto& bucket : snapshot.buckets) {
    json.begin_object().member("shared_bits", bucket.shared_bits);
    write_contacts(json, "contacts", bucket.contacts);
    write_contacts(json, "candidates", bucket.candidates);
    json.end_object();
  }
  json.end_array().key("traffic").begin_object();
  for (const auto& [name, count] : snapshot.traffic) json.member(name, count);
  json.end_object().key("refused").begin_object();
  for (const auto& [reason, count] : snapshot.refused) json.member(reason, count);
  json.end_object();
  write_repair(json, snapshot.repair);
  write_round_trips(json, snapshot.round_trips);
  return json.end_object().take();
}

std::string to_json(const std::vector<core::SongHolder>& holders) {
  JsonWriter json;
  json.begin_object().key("holders").begin_array();
  for (const auto& holder : holders) {
    json.begin_object().member("node", holder.node.text()).member("state", "live");
    json.member("self", holder.self).end_object();
  }
  return json.end_array().end_object().take();
}

std::string to_json(const core::LookupTrace& trace) {
  JsonWriter json;
  json.begin_object().member("key", trace.key.text()).member("took_ms", milliseconds(trace.took));
  write_contacts(json, "nearest", trace.nearest);
  json.member("nearer_than_self", trace.nearer_than_self).key("hops").begin_array();
  for (const auto& hop : trace.hops) write_hop(json, hop);
  return json.end_array().end_object().take();
}

}  // namespace kadenza::views
