// SPDX-License-Identifier: AGPL-3.0-or-later
#include "middleware/node_memory.hpp"

#include <algorithm>
#include <fstream>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "core/replace_file.hpp"
#include "middleware/user_folders.hpp"

namespace kadenza::middleware {
namespace {

namespace json = boost::json;
using std::chrono::microseconds;

constexpr std::int64_t kVersion = 1;
constexpr std::size_t kFileBytesMax = 1u << 20;

struct RememberedNode {
  Endpoint endpoint;
  std::optional<core::Duration> round_trip;
};

/// What is known through one given server.
struct Remembered {
  std::string server;
  core::WallTime learnt;
  std::vector<RememberedNode> nodes;
};

std::optional<std::int64_t> number(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  const std::int64_t* found = value != nullptr ? value->if_int64() : nullptr;
  return found != nullptr ? std::optional(*found) : std::nullopt;
}

std::vector<RememberedNode> read_nodes(const json::object& entry) {
  std::vector<RememberedNode> nodes;
  const json::value* list = entry.if_contains("nodes");
  if (list == nullptr || !list->is_array()) return nodes;
  for (const json::value& item : list->get_array()) {
    const json::object* object = item.if_object();
    const json::value* url = object != nullptr ? object->if_contains("url") : nullptr;
    if (url == nullptr || !url->is_string() || nodes.size() >= NodeBook::kNodesMax) continue;
    auto endpoint = parse_endpoint(url->get_string());
    if (!endpoint) continue;
    RememberedNode node{std::move(*endpoint), std::nullopt};
    if (const auto took = number(*object, "round_trip_us")) node.round_trip = microseconds(*took);
    nodes.push_back(std::move(node));
  }
  return nodes;
}

std::vector<Remembered> read_file(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text(kFileBytesMax, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  boost::system::error_code malformed;
  const json::value value = json::parse(text, malformed);
  const json::object* object = malformed ? nullptr : value.if_object();
  if (object == nullptr || number(*object, "version") != kVersion) return {};
  const json::value* servers = object->if_contains("servers");
  if (servers == nullptr || !servers->is_object()) return {};
  std::vector<Remembered> all;
  for (const auto& [url, entry] : servers->get_object()) {
    if (!entry.is_object() || all.size() >= NodeMemory::kServersMax) continue;
    const auto learnt = number(entry.get_object(), "learnt_ms").value_or(0);
    all.push_back({std::string(url), core::WallTime(std::chrono::milliseconds(learnt)),
                   read_nodes(entry.get_object())});
  }
  return all;
}

std::string text_of(const std::vector<Remembered>& all) {
  json::object servers;
  for (const Remembered& entry : all) {
    json::array nodes;
    for (const RememberedNode& node : entry.nodes) {
      json::object item{{"url", node.endpoint.url()}};
      if (node.round_trip)
        item["round_trip_us"] = std::chrono::duration_cast<microseconds>(*node.round_trip).count();
      nodes.push_back(std::move(item));
    }
    servers[entry.server] = {{"learnt_ms", entry.learnt.time_since_epoch().count()},
                             {"nodes", std::move(nodes)}};
  }
  return json::serialize(json::object{{"version", kVersion}, {"servers", std::move(servers)}}) + "\n";
}

}  // namespace

NodeMemory::NodeMemory(std::filesystem::path file) : file_(std::move(file)) {}

NodeMemory NodeMemory::of_user() {
  const auto folder = state_folder();
  return NodeMemory(folder ? *folder / "nodes.json" : std::filesystem::path());
}

bool NodeMemory::recall(NodeBook& book, core::WallTime now) const {
  if (file_.empty()) return true;
  bool fresh = true;
  const std::vector<Remembered> all = read_file(file_);
  for (std::size_t given = 0; given < book.given(); ++given) {
    const auto entry = std::ranges::find(all, book[given].endpoint.url(), &Remembered::server);
    if (entry == all.end()) {
      fresh = false;
      continue;
    }
    fresh = fresh && entry->learnt <= now && now - entry->learnt < kFresh;
    for (const RememberedNode& node : entry->nodes) {
      book.learn(node.endpoint, given);
      const auto index = book.find(node.endpoint);
      if (index && node.round_trip) book.measured(*index, *node.round_trip);
    }
  }
  return fresh;
}

core::Result<void> NodeMemory::keep(const Lesson& lesson, const NodeBook& book, core::WallTime now) const {
  constexpr mode_t kOwnerOnly = 0600;
  if (file_.empty()) return {};
  std::vector<RememberedNode> nodes;
  for (const Endpoint& endpoint : lesson.nodes) {
    const auto index = book.find(endpoint);
    if (index) nodes.push_back({endpoint, book[*index].round_trip});
  }
  std::vector<Remembered> all = read_file(file_);
  for (std::size_t given = 0; given < book.given(); ++given) {
    const Endpoint& server = book[given].endpoint;
    const bool named = std::ranges::find(lesson.nodes, server) != lesson.nodes.end();
    if (given != lesson.origin && !named) continue;
    std::erase_if(all, [&](const Remembered& entry) { return entry.server == server.url(); });
    all.push_back({server.url(), now, nodes});
  }
  std::ranges::sort(all, std::greater(), &Remembered::learnt);
  if (all.size() > kServersMax) all.resize(kServersMax);
  std::error_code failed;
  std::filesystem::create_directories(file_.parent_path(), failed);
  if (failed) {
    return core::fail(core::Errc::kInternal,
                      fmt::format("Cannot make the folder {}.", file_.parent_path().string()));
  }
  return core::replace_file(file_, text_of(all), kOwnerOnly);
}

}  // namespace kadenza::middleware
