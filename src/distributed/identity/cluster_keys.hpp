// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "distributed/identity/key_ring.hpp"

namespace kadenza::distributed::identity {

/// All secrets that the members of a cluster share, and how far their replacement is. A cluster key is
/// replaced in three steps, each of which all reachable members have taken before the next begins, so that
/// any two that are one step apart understand each other: the new key opens, then it seals, then it is
/// alone. docs/formats/cluster-keys.md.
struct ClusterKeys {
  enum class Stage : std::uint8_t {
    kSettled,    ///< one cluster key
    kAnnounced,  ///< the second cluster key will be the next; it only opens
    kSwitched,   ///< the first cluster key is the next; the others only open
  };

  std::uint64_t revision = 1;  ///< grows with every change; the higher one holds
  Stage stage = Stage::kSettled;
  KeyRing cluster;  ///< for datagrams
  KeyRing account;  ///< for the app passwords in the cluster document

  static ClusterKeys generate();

  /// Announces a new cluster key and makes a new account key the current one.
  void begin_rotation();
  /// The next stage. Not when settled.
  void advance();

  /// Which of two holds: the higher revision, and among equal ones the same everywhere.
  bool newer_than(const ClusterKeys& other) const;

  /// One line for each value, the first with the version.
  std::string text() const;
  /// kCorrupted.
  static core::Result<ClusterKeys> parse(std::string_view text);
  /// The keys in `file`, which only its owner may read. Blocking. kNotFound, kCorrupted, and as for
  /// read_secret_file().
  static core::Result<ClusterKeys> load(const std::filesystem::path& file);
  /// Blocking.
  core::Result<void> save(const std::filesystem::path& file) const;

  friend bool operator==(const ClusterKeys&, const ClusterKeys&) = default;
};

}  // namespace kadenza::distributed::identity
