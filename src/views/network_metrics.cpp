// SPDX-License-Identifier: AGPL-3.0-or-later
#include "views/network_metrics.hpp"

#include <array>
#include <limits>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace kadenza::views {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

ClientMetric gauge(double value, std::vector<ClientMetric::Label> labels = {}) {
  ClientMetric metric;
  metric.label = std::move(labels);
  metric.gauge.value = value;
  return metric;
}

ClientMetric counter(std::uint64_t value, std::vector<ClientMetric::Label> labels = {}) {
  ClientMetric metric;
  metric.label = std::move(labels);
  metric.counter.value = static_cast<double>(value);
  return metric;
}

double seconds(core::Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

MetricFamily contacts(const core::NetworkSnapshot& snapshot) {
  static constexpr std::array<const char*, 4> kStates{"live", "suspected", "dead", "candidate"};
  std::array<unsigned, kStates.size()> counts{};
  for (const auto& bucket : snapshot.buckets) {
    for (const auto& contact : bucket.contacts) ++counts[static_cast<std::size_t>(contact.state)];
    counts.back() += static_cast<unsigned>(bucket.candidates.size());
  }
  MetricFamily family{"kadenza_network_contacts", "Nodes known, by state.", MetricType::Gauge, {}};
  for (std::size_t i = 0; i < kStates.size(); ++i)
    family.metric.push_back(gauge(counts[i], {{"state", kStates[i]}}));
  return family;
}

/// One family for each counter; those of dropped datagrams are one with the reason as label.
std::vector<MetricFamily> traffic(const core::NetworkSnapshot& snapshot) {
  constexpr std::string_view kDropped = "dropped_";
  std::vector<MetricFamily> families;
  MetricFamily dropped{"kadenza_network_dropped_total",
                       "Datagrams and messages dropped unanswered, by reason.",
                       MetricType::Counter,
                       {}};
  for (const auto& [name, count] : snapshot.traffic) {
    if (name.starts_with(kDropped)) {
      dropped.metric.push_back(counter(count, {{"reason", name.substr(kDropped.size())}}));
    } else {
      families.push_back({"kadenza_network_" + name + "_total",
                          "Of the network of nodes, since the start.",
                          MetricType::Counter,
                          {counter(count)}});
    }
  }
  families.push_back(std::move(dropped));
  return families;
}

MetricFamily refused(const core::NetworkSnapshot& snapshot) {
  MetricFamily family{"kadenza_rpc_refused_total",
                      "Connections between nodes that were refused, by reason.",
                      MetricType::Counter,
                      {}};
  for (const auto& [reason, count] : snapshot.refused)
    family.metric.push_back(counter(count, {{"reason", reason}}));
  return family;
}

void add_repair(std::vector<MetricFamily>& families, const core::RepairState& repair) {
  const auto shows = [&](const char* name, const char* help, double value) {
    families.push_back({name, help, MetricType::Gauge, {gauge(value)}});
  };
  const auto counts = [&](const char* name, const char* help, std::uint64_t value) {
    families.push_back({name, help, MetricType::Counter, {counter(value)}});
  };
  shows("kadenza_repair_songs", "Songs that this node holds.", static_cast<double>(repair.songs));
  shows("kadenza_repair_under_replicated_songs",
        "Songs that this node looks after and that have fewer copies than wanted.",
        static_cast<double>(repair.under_replicated));
  shows("kadenza_repair_bytes_to_move", "Of songs that this node has yet to copy.",
        static_cast<double>(repair.bytes_to_move));
  shows("kadenza_repair_surplus_songs", "Songs held that other nodes shall hold.",
        static_cast<double>(repair.surplus));
  counts("kadenza_repair_songs_handed_over_total",
         "Copies dropped once enough holders had promised to keep them.", repair.handed_over);
  shows("kadenza_documents", "Listeners' documents that this node holds.",
        static_cast<double>(repair.documents.held));
  shows("kadenza_documents_surplus", "Documents held that other nodes shall hold.",
        static_cast<double>(repair.documents.surplus));
  counts("kadenza_documents_merged_total", "Documents brought up to date from other holders.",
         repair.documents.merged);
  counts("kadenza_documents_handed_over_total",
         "Documents dropped once enough holders had promised to keep them.", repair.documents.handed_over);
  const auto departure = repair.departure.value_or(core::Departure{});
  shows("kadenza_drain_under_way", "1 while the node empties itself before it leaves.",
        repair.departure ? 1 : 0);
  shows("kadenza_drain_bytes_left", "Of songs that too few others have promised to keep yet.",
        static_cast<double>(departure.bytes - departure.safe_bytes));
  shows("kadenza_drain_homeless_songs", "Songs that too few others have room for.",
        static_cast<double>(departure.homeless_songs));
  shows("kadenza_scrub_progress", "Of the present pass over all songs, 0 to 1.", repair.scrub_progress);
  counts("kadenza_repair_songs_copied_total", "Songs copied from other nodes.", repair.songs_copied);
  counts("kadenza_repair_bytes_copied_total", "Bytes of audio copied from other nodes.", repair.bytes_copied);
  counts("kadenza_repair_copies_failed_total", "Copies that failed and are tried again.",
         repair.copies_failed);
  counts("kadenza_scrub_bytes_total", "Bytes read and found right.", repair.scrubbed_bytes);
  counts("kadenza_scrub_passes_total", "Passes over all songs.", repair.scrub_passes);
  counts("kadenza_scrub_rotten_total", "Songs of which the disk had lost bytes.", repair.rotten);
  counts("kadenza_scrub_healed_total", "Such songs that were copied again.", repair.healed);
}

MetricFamily round_trips(const core::RoundTrips& trips) {
  ClientMetric metric;
  metric.histogram.sample_count = trips.count;
  metric.histogram.sample_sum = seconds(trips.total);
  for (const auto& [bound, count] : trips.at_most) metric.histogram.bucket.push_back({count, seconds(bound)});
  metric.histogram.bucket.push_back({trips.count, std::numeric_limits<double>::infinity()});
  return {"kadenza_network_round_trip_seconds",
          "From a request to another node to its reply.",
          MetricType::Histogram,
          {std::move(metric)}};
}

}  // namespace

std::string metrics_text(const core::NetworkSnapshot& snapshot) {
  std::vector<MetricFamily> families = traffic(snapshot);
  families.push_back({"kadenza_network_estimated_nodes",
                      "Nodes in the network, this one included.",
                      MetricType::Gauge,
                      {gauge(snapshot.estimated_nodes)}});
  families.push_back({"kadenza_network_joined",
                      "1 when the own neighbourhood is known.",
                      MetricType::Gauge,
                      {gauge(snapshot.joined ? 1 : 0)}});
  families.push_back({"kadenza_network_link_suspected",
                      "1 when nobody answers.",
                      MetricType::Gauge,
                      {gauge(snapshot.link_suspected ? 1 : 0)}});
  families.push_back(contacts(snapshot));
  families.push_back(refused(snapshot));
  add_repair(families, snapshot.repair);
  families.push_back(round_trips(snapshot.round_trips));
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace kadenza::views
