// SPDX-License-Identifier: AGPL-3.0-or-later
#include "interface/network_view.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "interface/i18n.hpp"
#include "interface/table.hpp"

namespace kadenza::interface {
namespace {

constexpr std::size_t kShortId = 10;  ///< letters that tell the nodes of one network apart

std::string milliseconds(const std::optional<double>& value) {
  if (!value) return "–";
  return *value < 10 ? fmt::format("{:.2f} ms", *value) : fmt::format("{:.0f} ms", *value);
}

std::string ago(const std::optional<double>& value) {
  if (!value) return "";
  if (*value < 1000) return tr("just now");
  return trf("{} ago", format_duration(static_cast<std::size_t>(*value / 1000)));
}

/// A state of the server's, in the person's language as far as it is known here.
std::string state_text(const std::string& state) {
  if (state == "live") return tr("live");
  if (state == "suspected") return tr("suspected");
  if (state == "dead") return tr("dead");
  if (state == "candidate") return tr("candidate");
  if (state == "answered") return tr("answered");
  if (state == "late") return tr("late");
  if (state == "failed") return tr("no answer");
  if (state == "not_needed") return tr("not needed");
  return printable(state);
}

std::string short_id(const std::string& id) {
  return printable(id.substr(0, kShortId));
}

void print_contacts(Console& console, const middleware::NetworkBucketInfo& bucket) {
  Table table({false, false, false, false, false});
  for (const auto* contacts : {&bucket.contacts, &bucket.candidates}) {
    for (const auto& contact : *contacts) {
      table.add({{printable(contact.id)},
                 {printable(contact.endpoint)},
                 {state_text(contact.state)},
                 {milliseconds(contact.round_trip_ms)},
                 {ago(contact.heard_ago_ms)}});
    }
  }
  table.print(console, 2 * Table::kGap);
}

void print_traffic(Console& console, const middleware::NetworkAnswer& answer) {
  std::map<std::string, std::uint64_t> count(answer.traffic.begin(), answer.traffic.end());
  console.out << styled(console, Style::kBold, tr("Traffic since the start")) << '\n';
  Table table({false, false});
  const auto row = [&](const char* name, std::string text) { table.add({{name}, {std::move(text)}}); };
  row(tr("received"),
      trf("{} datagrams, {}", count["datagrams_in"], format_bytes(static_cast<double>(count["bytes_in"]))));
  row(tr("sent"),
      trf("{} datagrams, {}", count["datagrams_out"], format_bytes(static_cast<double>(count["bytes_out"]))));
  row(tr("requests"), trf("{} sent, {} without an answer, {} received", count["requests_sent"],
                          count["requests_failed"], count["requests_received"]));
  row(tr("lookups"), trf("{} begun, {} ended", count["lookups_started"], count["lookups_finished"]));
  constexpr std::string_view kDropped = "dropped_";
  for (const auto& [name, dropped] : count) {
    if (name.starts_with(kDropped) && dropped > 0) {
      std::string reason = name.substr(kDropped.size());
      std::ranges::replace(reason, '_', ' ');
      row(tr("dropped"), fmt::format("{} ({})", dropped, printable(reason)));
    }
  }
  table.print(console, Table::kGap);
}

void print_repair(Console& console, const middleware::RepairInfo& repair) {
  console.out << styled(console, Style::kBold, tr("Repair")) << '\n';
  Table table({false, false});
  const auto row = [&](const char* name, std::string text) { table.add({{name}, {std::move(text)}}); };
  row(tr("songs held"), std::to_string(repair.songs));
  row(tr("too few copies"), fmt::format(fmt::runtime(trn("{} song", "{} songs", repair.under_replicated)),
                                        repair.under_replicated));
  auto left = format_bytes(static_cast<double>(repair.bytes_to_move));
  if (repair.time_left_ms) {
    left = trf("{}, about {} left", left,
               format_duration(static_cast<std::size_t>(*repair.time_left_ms / 1000)));
  }
  row(tr("to be copied"), std::move(left));
  row(tr("copied"), trf("{} songs, {}; {} attempts failed", repair.songs_copied,
                        format_bytes(static_cast<double>(repair.bytes_copied)), repair.copies_failed));
  row(tr("for others"), trf("{} songs; {} handed over", repair.surplus, repair.handed_over));
  row(tr("documents"), trf("{} held; {} brought up to date, {} handed over", repair.documents,
                           repair.documents_merged, repair.documents_handed_over));
  if (repair.departure) {
    row(tr("leaving"),
        trf("{} of {} songs are safe with others; for {} there is no room", repair.departure->safe_songs,
            repair.departure->songs, repair.departure->homeless_songs));
  }
  row(tr("scrubbing"), trf("{} % of pass {}", static_cast<int>(100 * repair.scrub_progress),
                           repair.scrub_passes + (repair.scrub_progress < 1 ? 1 : 0)));
  row(tr("rotten"), trf("{} songs, {} healed", repair.rotten, repair.healed));
  table.print(console, Table::kGap);
}

}  // namespace

void print_network(Console& console, const middleware::NetworkAnswer& answer) {
  console.out << styled(console, Style::kBold, trf("Node {}", printable(answer.self))) << '\n';
  Table table({false, false});
  table.add({{tr("address")}, {printable(answer.endpoint)}});
  table.add({{tr("network")},
             {fmt::format(fmt::runtime(trn("about {} node", "about {} nodes", answer.estimated_nodes)),
                          answer.estimated_nodes)}});
  table.add({{tr("state")},
             {answer.link_suspected ? tr("nobody answers: this machine's own link may be down")
              : answer.joined       ? tr("joined")
                                    : tr("alone so far")}});
  if (const auto& settings = answer.settings) {
    table.add({{tr("copies")},
               {trf("{} of each song; an upload waits for {}", settings->replicas, settings->write_quorum)}});
    table.add({{tr("places")},
               {trf("{} partitions, each held among the {} nodes nearest to it", settings->partitions,
                    settings->candidates)}});
  }
  for (const auto& name : answer.leaving) table.add({{tr("leaving")}, {printable(name)}});
  table.print(console, Table::kGap);
  for (const auto& bucket : answer.buckets) {
    if (bucket.contacts.empty() && bucket.candidates.empty()) continue;
    console.out << styled(
                       console, Style::kBold,
                       fmt::format(fmt::runtime(trn("{} shared bit", "{} shared bits", bucket.shared_bits)),
                                   bucket.shared_bits))
                << '\n';
    print_contacts(console, bucket);
  }
  if (answer.repair) print_repair(console, *answer.repair);
  print_traffic(console, answer);
}

void print_lookup(Console& console, const middleware::LookupAnswer& answer) {
  console.out << styled(console, Style::kBold, trf("The way to {}", printable(answer.key))) << '\n';
  Table way({false, false, false, false, false, false, false});
  way.add({{tr("hop")},
           {tr("node")},
           {tr("address")},
           {tr("shared bits")},
           {tr("asked after")},
           {tr("round trip")},
           {tr("named by")}});
  for (const auto& hop : answer.hops) {
    way.add({{std::to_string(hop.hop)},
             {short_id(hop.id)},
             {printable(hop.endpoint)},
             {std::to_string(hop.shared_bits)},
             {milliseconds(hop.asked_after_ms)},
             {hop.took_ms ? milliseconds(hop.took_ms) : state_text(hop.state)},
             {hop.told_by.empty() ? tr("own table") : short_id(hop.told_by)}});
  }
  way.print(console, Table::kGap);
  console.out << styled(console, Style::kBold, tr("Nearest nodes")) << '\n';
  Table nearest({false, false, false});
  for (const auto& contact : answer.nearest) {
    nearest.add(
        {{printable(contact.id)}, {printable(contact.endpoint)}, {milliseconds(contact.round_trip_ms)}});
  }
  nearest.print(console, Table::kGap);
  console.out << trf("{} nodes were asked in {}; {} are nearer to the key than the node that asked.",
                     answer.hops.size(), milliseconds(answer.took_ms), answer.nearer_than_self)
              << '\n';
}

}  // namespace kadenza::interface
