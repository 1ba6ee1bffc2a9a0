// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/ids.hpp"
#include "distributed/identity/certificate.hpp"
#include "distributed/kademlia/contact.hpp"

namespace kadenza::distributed::identity {

/// A node's place in its cluster: what proves it to other members, and what it knows of them before it has
/// met any. Kept in one file of the data folder that is written in one step and last, so that a node is a
/// member or is not; docs/formats/membership.md. The key itself is NodeKey.
struct NodeIdentity {
  core::Digest cluster;     ///< fingerprint of the first node's authority: names the cluster
  std::string name;         ///< for people
  Certificate certificate;  ///< this node's
  /// Of the issuers, newest last, also of removed ones: members that these certified stay members until they
  /// are certified anew. Whether somebody is a member, the cluster document alone says.
  std::vector<Certificate> authorities;
  std::vector<kademlia::Contact> seeds;  ///< members to ask first

  static constexpr std::size_t kAuthoritiesMax = 64;
  /// True when one of them was not known; the oldest are forgotten when there are too many.
  bool learn(std::span<const Certificate> more);

  /// All authorities, as TLS settings take them.
  std::string authorities_pem() const;

  /// Nothing when there is no file. Blocking. kCorrupted, and as read_secret_file().
  static core::Result<std::optional<NodeIdentity>> load(const std::filesystem::path& file);
  /// Blocking.
  core::Result<void> save(const std::filesystem::path& file) const;
};

}  // namespace kadenza::distributed::identity
