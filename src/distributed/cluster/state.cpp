// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/cluster/state.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "cluster.pb.h"
#include "distributed/crdt/codec.hpp"

namespace kadenza::distributed::cluster {
namespace {

using core::Errc;
using core::Result;

constexpr std::uint32_t kVersion = 1;
constexpr std::string_view kQuorums = "quorums";
constexpr std::size_t kNameBytesMax = 64;
constexpr int kUrlsMax = 8;
constexpr std::size_t kUrlBytesMax = 256;
/// A session is kept this long after its end, for nodes whose clocks go a little slower.
constexpr std::chrono::hours kAfterlife{24};

std::unexpected<core::Error> corrupted(std::string_view what) {
  return core::fail(Errc::kCorrupted, fmt::format("the cluster document cannot be understood: {}", what));
}

core::WallTime wall(std::uint64_t milliseconds) {
  constexpr std::uint64_t kFarFuture = std::uint64_t{1} << 48;
  return core::WallTime(std::chrono::milliseconds(std::min(milliseconds, kFarFuture)));
}

std::uint64_t milliseconds(core::WallTime time) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(time.time_since_epoch().count(), 0));
}

/// An empty part is left out, so that a delta is small.
template <class Part>
std::string encoded(const Part& part) {
  return part == Part() ? std::string() : crdt::encode(part);
}

template <class Message>
bool parse(Message& message, std::string_view bytes) {
  return message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

/// What every part's keys and values must look like; whoever reads them relies on it.
Result<void> check(const ClusterState& state) {
  const auto ids = [](const auto& entries) {
    return std::ranges::all_of(entries, [](const auto& entry) { return entry.first.size() == 32; });
  };
  if (!ids(state.members.entries()) || !ids(state.members.removals())) return corrupted("a member's id");
  if (!ids(state.sessions.entries()) || !ids(state.sessions.removals())) return corrupted("a session's id");
  if (!ids(state.authorities.entries())) return corrupted("an authority's id");
  for (const auto& [id, entry] : state.members.entries()) {
    KADENZA_TRY_VOID(MemberRecord::decode(*entry.value));
  }
  for (const auto& [token, entry] : state.sessions.entries()) {
    KADENZA_TRY_VOID(SessionRecord::decode(*entry.value));
  }
  return {};
}

}  // namespace

std::string MemberRecord::encode() const {
  v1::MemberRecord message;
  message.set_name(name);
  for (const std::string& url : http_urls) message.add_http_urls(url);
  message.set_since_ms(milliseconds(since));
  message.set_capacity_bytes(capacity_bytes);
  return message.SerializeAsString();
}

Result<MemberRecord> MemberRecord::decode(std::string_view bytes) {
  v1::MemberRecord message;
  const auto too_long = [](const std::string& url) { return url.size() > kUrlBytesMax; };
  if (!parse(message, bytes) || message.name().size() > kNameBytesMax ||
      message.http_urls_size() > kUrlsMax || std::ranges::any_of(message.http_urls(), too_long)) {
    return corrupted("a member");
  }
  return MemberRecord{message.name(),
                      {message.http_urls().begin(), message.http_urls().end()},
                      wall(message.since_ms()),
                      message.capacity_bytes()};
}

std::string SessionRecord::encode() const {
  v1::SessionRecord message;
  message.set_user(user);
  message.set_expires_ms(milliseconds(expires));
  message.set_password_time(password.time);
  message.set_password_writer(password.writer);
  return message.SerializeAsString();
}

Result<SessionRecord> SessionRecord::decode(std::string_view bytes) {
  v1::SessionRecord message;
  if (!parse(message, bytes)) return corrupted("a session");
  return SessionRecord{
      message.user(), wall(message.expires_ms()), {message.password_time(), message.password_writer()}};
}

std::string encode_role(core::Role role) {
  v1::RoleRecord message;
  message.set_role(static_cast<std::uint32_t>(role));
  return message.SerializeAsString();
}

ClusterState ClusterState::nothing() const {
  ClusterState empty;
  empty.cluster = cluster;
  empty.partition_bits = partition_bits;
  return empty;
}

Settings ClusterState::agreed_settings() const {
  Settings agreed;
  agreed.partition_bits = partition_bits;
  v1::QuorumRecord message;
  const std::string* stored = settings.find(kQuorums);
  if (!stored || !parse(message, *stored)) return agreed;
  Settings chosen{message.replicas(), message.write_quorum(), message.candidates(), partition_bits};
  return chosen.check() ? chosen : agreed;
}

void ClusterState::set_quorums(const Settings& chosen, crdt::Stamp stamp) {
  v1::QuorumRecord message;
  message.set_replicas(chosen.replicas);
  message.set_write_quorum(chosen.write_quorum);
  message.set_candidates(chosen.candidates);
  settings.put(kQuorums, message.SerializeAsString(), stamp);
}

core::Role ClusterState::role_of(std::string_view user) const {
  v1::RoleRecord message;
  const std::string* stored = roles.find(user);
  if (!stored || !parse(message, *stored)) return core::Role::kListener;
  switch (message.role()) {
    case static_cast<std::uint32_t>(core::Role::kAdmin):
      return core::Role::kAdmin;
    case static_cast<std::uint32_t>(core::Role::kUploader):
      return core::Role::kUploader;
    default:
      return core::Role::kListener;
  }
}

Result<bool> ClusterState::merge(const ClusterState& other) {
  if (other.cluster != cluster || other.partition_bits != partition_bits) {
    return core::fail(Errc::kConflict, "this is the document of another cluster");
  }
  bool changed = settings.merge(other.settings);
  changed |= members.merge(other.members);
  changed |= authorities.merge(other.authorities);
  changed |= users.merge(other.users);
  changed |= roles.merge(other.roles);
  changed |= app_passwords.merge(other.app_passwords);
  changed |= sessions.merge(other.sessions);
  changed |= withheld.merge(other.withheld);
  return changed;
}

crdt::Stamp ClusterState::newest() const {
  return std::max({settings.newest(), members.newest(), authorities.newest(), users.newest(), roles.newest(),
                   app_passwords.newest(), sessions.newest(), withheld.newest()});
}

void ClusterState::prune(core::WallTime now) {
  const core::WallTime today = std::chrono::floor<std::chrono::days>(now);
  std::vector<std::pair<core::WallTime, std::string>> valid;
  std::vector<std::string> ended;
  for (const auto& [token, entry] : sessions.entries()) {
    const auto session = SessionRecord::decode(*entry.value);
    const auto user = session ? users.entries().find(session->user) : users.entries().end();
    const bool over = !session || session->expires + kAfterlife < today || users.was_removed(session->user) ||
                      (user != users.entries().end() && user->second.stamp > session->password);
    if (over) {
      ended.push_back(token);
    } else {
      valid.emplace_back(session->expires, token);
    }
  }
  if (valid.size() > kSessionsMax) {
    std::ranges::sort(valid, std::greater());
    for (std::size_t i = kSessionsMax; i < valid.size(); ++i) ended.push_back(std::move(valid[i].second));
  }
  for (const std::string& token : ended) sessions.drop(token);

  const core::WallTime forgotten = today - kMemory;
  sessions.forget_removals(forgotten);
  sessions.forget_removals_beyond(kEndedSessionsMax);
  for (auto* map : {&settings, &authorities, &roles, &app_passwords, &withheld}) {
    map->forget_removals(forgotten);
  }
}

std::string ClusterState::encode() const {
  v1::ClusterDocument message;
  message.set_version(kVersion);
  message.set_cluster(std::string(key_of(cluster)));
  message.set_partition_bits(partition_bits);
  message.set_settings(encoded(settings));
  message.set_members(encoded(members));
  message.set_authorities(encoded(authorities));
  message.set_users(encoded(users));
  message.set_roles(encoded(roles));
  message.set_app_passwords(encoded(app_passwords));
  message.set_sessions(encoded(sessions));
  message.set_withheld(encoded(withheld));
  return message.SerializeAsString();
}

Result<ClusterState> ClusterState::decode(std::string_view bytes) {
  if (bytes.size() > kDocumentBytesMax) {
    return core::fail(Errc::kTooLarge,
                      fmt::format("the cluster document is larger than {} bytes", kDocumentBytesMax));
  }
  v1::ClusterDocument message;
  if (!parse(message, bytes)) return corrupted("broken bytes");
  if (message.version() != kVersion) return corrupted("its version is unknown");
  const auto cluster = id_of<core::Digest>(message.cluster());
  if (!cluster || message.partition_bits() > 24) return corrupted("which cluster it is of");
  ClusterState state;
  state.cluster = *cluster;
  state.partition_bits = message.partition_bits();
  const auto read = []<class Part>(Part& part, const std::string& encoded) -> Result<void> {
    if (encoded.empty()) return {};
    KADENZA_TRY(part, crdt::decode<Part>(encoded));
    return {};
  };
  KADENZA_TRY_VOID(read(state.settings, message.settings()));
  KADENZA_TRY_VOID(read(state.members, message.members()));
  KADENZA_TRY_VOID(read(state.authorities, message.authorities()));
  KADENZA_TRY_VOID(read(state.users, message.users()));
  KADENZA_TRY_VOID(read(state.roles, message.roles()));
  KADENZA_TRY_VOID(read(state.app_passwords, message.app_passwords()));
  KADENZA_TRY_VOID(read(state.sessions, message.sessions()));
  KADENZA_TRY_VOID(read(state.withheld, message.withheld()));
  KADENZA_TRY_VOID(check(state));
  return state;
}

}  // namespace kadenza::distributed::cluster
