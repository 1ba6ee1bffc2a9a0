// SPDX-License-Identifier: AGPL-3.0-or-later
#include "sim/balance.hpp"

#include <algorithm>
#include <map>
#include <unordered_map>

#include <fmt/format.h>

#include "core/random.hpp"
#include "distributed/kademlia/distance.hpp"
#include "distributed/placement/order.hpp"

namespace kadenza::sim {
namespace {

using distributed::kademlia::Contact;
using distributed::kademlia::Distance;
using distributed::kademlia::Key;
using distributed::placement::Partition;

std::vector<Contact> make_nodes(const BalanceOptions& options, core::Random& random, std::uint32_t count) {
  std::vector<Contact> nodes;
  for (std::uint32_t i = 0; i < count; ++i) {
    nodes.push_back({distributed::kademlia::random_key(random),
                     distributed::kademlia::Endpoint::v4(0x0a000001u + i, 4748),
                     options.classes[i % options.classes.size()]});
  }
  return nodes;
}

/// How many of the keys fall into each partition.
std::map<Partition, std::uint64_t> partitions_of(const BalanceOptions& options, core::Random& random) {
  std::map<Partition, std::uint64_t> keys;
  for (std::uint64_t i = 0; i < options.keys; ++i) {
    const core::SongId song{distributed::kademlia::random_key(random).bytes};
    ++keys[distributed::placement::partition_of(song, options.settings.partition_bits)];
  }
  return keys;
}

std::vector<core::NodeId> holders(const Partition& partition, const std::vector<Contact>& nodes,
                                  const BalanceOptions& options) {
  const auto order = distributed::placement::order(partition, nodes, options.settings.candidates);
  std::vector<core::NodeId> result;
  for (const auto& contact : order) {
    if (result.size() < options.settings.replicas) result.push_back(contact.id);
  }
  return result;
}

std::vector<core::NodeId> nearest(const Partition& partition, const std::vector<Contact>& nodes,
                                  std::size_t count) {
  std::vector<std::pair<Distance, core::NodeId>> near;
  for (const auto& node : nodes) {
    near.emplace_back(distributed::kademlia::distance(node.id, partition.key), node.id);
  }
  count = std::min(count, near.size());
  std::ranges::partial_sort(near, near.begin() + static_cast<std::ptrdiff_t>(count));
  std::vector<core::NodeId> result;
  for (std::size_t i = 0; i < count; ++i) result.push_back(near[i].second);
  return result;
}

using Copies = std::unordered_map<core::NodeId, std::uint64_t>;

double weight_of(const Contact& node) {
  return static_cast<double>(1u << node.capacity_class);
}

}  // namespace

Balance measure_balance(const BalanceOptions& options) {
  core::SeededRandom random(options.seed);
  auto nodes = make_nodes(options, random, options.nodes + 1);
  const auto newcomer = nodes.back();
  const std::vector<Contact> before(nodes.begin(), nodes.end() - 1);

  Copies copies, plain;
  std::uint64_t moved = 0, gained = 0;
  for (const auto& [partition, keys] : partitions_of(options, random)) {
    const auto held = holders(partition, before, options);
    for (const auto& id : held) copies[id] += keys;
    for (const auto& id : nearest(partition, before, options.settings.replicas)) plain[id] += keys;
    for (const auto& id : holders(partition, nodes, options)) {
      if (std::ranges::find(held, id) == held.end()) moved += keys;
      if (id == newcomer.id) gained += keys;
    }
  }

  Balance balance{.options = options};
  double whole = 0;
  for (const auto& node : before) whole += weight_of(node);
  const auto total = static_cast<double>(options.keys * std::min(options.settings.replicas, options.nodes));
  std::map<std::uint8_t, Balance::OfClass> classes;
  balance.min_load = 1e9;
  for (const auto& node : before) {
    const double fair = total * weight_of(node) / whole;
    const double load = static_cast<double>(copies[node.id]) / fair;
    balance.max_load = std::max(balance.max_load, load);
    balance.min_load = std::min(balance.min_load, load);
    const double equal = total / options.nodes;
    balance.nearest_max_load =
        std::max(balance.nearest_max_load, static_cast<double>(plain[node.id]) / equal);
    auto& of_class = classes[node.capacity_class];
    of_class.capacity_class = node.capacity_class;
    ++of_class.nodes;
    of_class.mean_load += load;
  }
  for (auto& [number, of_class] : classes) {
    of_class.mean_load /= of_class.nodes;
    balance.classes.push_back(of_class);
  }
  balance.moved_by_join = gained == 0 ? 0 : static_cast<double>(moved) / static_cast<double>(gained);
  return balance;
}

std::string as_text(const Balance& balance) {
  auto text = fmt::format(
      "{} nodes, {} keys, R = {} of C = {}\nload of the fullest node   {:.3f} of its fair share (nearest R: "
      "{:.3f})\nload of the emptiest node  {:.3f}\nmoved by a join            {:.3f} of the least possible\n",
      balance.options.nodes, balance.options.keys, balance.options.settings.replicas,
      balance.options.settings.candidates, balance.max_load, balance.nearest_max_load, balance.min_load,
      balance.moved_by_join);
  for (const auto& of_class : balance.classes) {
    text += fmt::format("capacity class {:2}          {:.3f} in the mean of {} nodes\n",
                        of_class.capacity_class, of_class.mean_load, of_class.nodes);
  }
  return text;
}

std::string as_json(const Balance& balance) {
  std::string classes;
  for (const auto& of_class : balance.classes) {
    classes += fmt::format(R"({}{{"class":{},"nodes":{},"mean_load":{:.4f}}})", classes.empty() ? "" : ",",
                           of_class.capacity_class, of_class.nodes, of_class.mean_load);
  }
  return fmt::format(
      R"({{"nodes":{},"keys":{},"max_load":{:.4f},"min_load":{:.4f},"nearest_max_load":{:.4f},"moved_by_join":{:.4f},"classes":[{}]}})",
      balance.options.nodes, balance.options.keys, balance.max_load, balance.min_load,
      balance.nearest_max_load, balance.moved_by_join, classes);
}

}  // namespace kadenza::sim
