// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/accounts.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/ids.hpp"
#include "distributed/cluster/settings.hpp"
#include "distributed/crdt/final_map.hpp"
#include "distributed/crdt/lww_map.hpp"

namespace kadenza::distributed::cluster {

/// A document longer than this is refused: it fits one message between nodes with room to spare.
inline constexpr std::size_t kDocumentBytesMax = 3'500'000;
inline constexpr std::size_t kMembersMax = 1024;  ///< enrolled and removed ones together
inline constexpr std::size_t kUsersMax = 2048;    ///< those that were removed included
inline constexpr std::size_t kSessionsMax = 4096;
inline constexpr std::size_t kEndedSessionsMax = 8192;  ///< log-outs that are remembered
/// How long removals that can be forgotten are remembered, and how long a node may be away.
inline constexpr std::chrono::days kMemory{90};

/// An enrolled node.
struct MemberRecord {
  std::string name;                    ///< for people, at most 64 bytes
  std::vector<std::string> http_urls;  ///< where listeners reach it; at most 8 of at most 256 bytes
  core::WallTime since{};
  std::uint64_t capacity_bytes = 0;

  std::string encode() const;
  static core::Result<MemberRecord> decode(std::string_view bytes);
  friend bool operator==(const MemberRecord&, const MemberRecord&) = default;
};

/// A log-in, named by the SHA-256 of its token.
struct SessionRecord {
  std::string user;
  core::WallTime expires{};
  crdt::Stamp password;  ///< of the password with which it was opened: it ends when that changes

  std::string encode() const;
  static core::Result<SessionRecord> decode(std::string_view bytes);
};

std::string encode_role(core::Role role);

/// The cluster document as a value: what all nodes must agree on. All parts merge commutatively,
/// associatively and idempotently, and a state with some of the entries is a delta. Pure; one owner.
struct ClusterState {
  core::Digest cluster;              ///< names the cluster; states of different clusters never merge
  std::uint32_t partition_bits = 0;  ///< fixed when the cluster is created
  crdt::LwwMap settings;
  crdt::FinalMap members;  ///< by the 32 bytes of the node's id
  crdt::LwwMap authorities;
  crdt::FinalMap users;  ///< name -> password hash
  crdt::LwwMap roles;
  crdt::LwwMap app_passwords;
  crdt::FinalMap sessions;  ///< by the 32 bytes of the token's SHA-256
  crdt::LwwMap withheld;

  /// Nothing of the same cluster, to write a delta into.
  ClusterState nothing() const;

  Settings agreed_settings() const;
  void set_quorums(const Settings& settings, crdt::Stamp stamp);
  core::Role role_of(std::string_view user) const;

  /// True when `other` brought anything. kConflict for the document of another cluster.
  core::Result<bool> merge(const ClusterState& other);
  crdt::Stamp newest() const;
  /// Drops what has ended by itself, alike on every node: expired sessions, those of removed users or changed
  /// passwords, those beyond kSessionsMax, and removals older than kMemory (by whole days, so that nodes do
  /// it at the same moment). Removals of members and users are never forgotten.
  void prune(core::WallTime now);

  /// Equal states have equal bytes.
  std::string encode() const;
  /// kCorrupted, kTooLarge.
  static core::Result<ClusterState> decode(std::string_view bytes);

  friend bool operator==(const ClusterState&, const ClusterState&) = default;
};

template <class Tag>
std::string_view key_of(const core::Id<Tag>& id) {
  return {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()};
}
template <class Id>
std::optional<Id> id_of(std::string_view key) {
  return Id::from_bytes({reinterpret_cast<const std::uint8_t*>(key.data()), key.size()});
}

}  // namespace kadenza::distributed::cluster
