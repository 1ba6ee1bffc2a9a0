// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/identity/cluster_keys.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "core/base32.hpp"
#include "core/check.hpp"
#include "core/replace_file.hpp"
#include "distributed/identity/secret_file.hpp"

namespace kadenza::distributed::identity {
namespace {

using core::Errc;
using core::fail;

constexpr std::string_view kFirstLine = "kadenza-cluster-keys 2";
constexpr std::pair<ClusterKeys::Stage, std::string_view> kStages[] = {
    {ClusterKeys::Stage::kSettled, "settled"},
    {ClusterKeys::Stage::kAnnounced, "announced"},
    {ClusterKeys::Stage::kSwitched, "switched"}};

std::string_view first_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

bool read_key(std::string_view text, KeyRing& ring) {
  ClusterKey key;
  if (ring.keys.size() == KeyRing::kKeysMax || !core::base32_decode(text, key.secret)) return false;
  ring.keys.push_back(key);
  return true;
}

bool read_line(std::string_view line, ClusterKeys& keys) {
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos) return false;
  const std::string_view name = line.substr(0, space);
  const std::string_view value = line.substr(space + 1);
  if (name == "cluster") return read_key(value, keys.cluster);
  if (name == "account") return read_key(value, keys.account);
  if (name == "revision") {
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), keys.revision);
    return error == std::errc() && end == value.data() + value.size() && keys.revision > 0;
  }
  if (name != "stage") return false;
  const auto* stage =
      std::ranges::find(kStages, value, &std::pair<ClusterKeys::Stage, std::string_view>::second);
  if (stage == std::end(kStages)) return false;
  keys.stage = stage->first;
  return true;
}

}  // namespace

ClusterKeys ClusterKeys::generate() {
  ClusterKeys keys;
  keys.cluster.keys = {ClusterKey::generate()};
  keys.account.keys = {ClusterKey::generate()};
  return keys;
}

void ClusterKeys::begin_rotation() {
  cluster.announce(ClusterKey::generate());
  account.rotate(ClusterKey::generate());
  stage = Stage::kAnnounced;
  ++revision;
}

void ClusterKeys::advance() {
  KADENZA_CHECK(stage != Stage::kSettled);
  if (stage == Stage::kAnnounced) {
    cluster.rotate(ClusterKey(cluster.keys[1]));
    stage = Stage::kSwitched;
  } else {
    cluster.keys.resize(1);
    stage = Stage::kSettled;
  }
  ++revision;
}

bool ClusterKeys::newer_than(const ClusterKeys& other) const {
  return revision != other.revision ? revision > other.revision : text() > other.text();
}

std::string ClusterKeys::text() const {
  const auto* stage_name =
      std::ranges::find(kStages, stage, &std::pair<ClusterKeys::Stage, std::string_view>::first);
  std::string text = fmt::format("{}\nrevision {}\nstage {}\n", kFirstLine, revision, stage_name->second);
  for (const ClusterKey& key : cluster.keys) text += "cluster " + core::base32_encode(key.secret) + "\n";
  for (const ClusterKey& key : account.keys) text += "account " + core::base32_encode(key.secret) + "\n";
  return text;
}

core::Result<ClusterKeys> ClusterKeys::parse(std::string_view text) {
  ClusterKeys keys;
  bool good = first_line(text) == kFirstLine;
  while (good && !text.empty()) good = read_line(first_line(text), keys);
  const bool settled = keys.stage == Stage::kSettled;
  if (!good || keys.account.keys.empty() || keys.cluster.keys.empty() ||
      (keys.cluster.keys.size() == 1) != settled) {
    return fail(Errc::kCorrupted, "These are not the keys of a cluster.");
  }
  return keys;
}

core::Result<ClusterKeys> ClusterKeys::load(const std::filesystem::path& file) {
  KADENZA_TRY(const std::optional<std::string> text, read_secret_file(file));
  if (!text) return fail(Errc::kNotFound, "There are no cluster keys in " + file.string() + ".");
  auto keys = parse(*text);
  if (!keys) {
    return fail(Errc::kCorrupted, file.string() + ": " + keys.error().detail +
                                      " Restore it from a backup, or enrol this node again with --join.");
  }
  return keys;
}

core::Result<void> ClusterKeys::save(const std::filesystem::path& file) const {
  return core::replace_file(file, text(), 0600);
}

}  // namespace kadenza::distributed::identity
