// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <atomic>
#include <cstddef>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/accounts.hpp"
#include "core/ids.hpp"

namespace kadenza::services::accounts {

/// A log-in as it is stored: the token's SHA-256, never the token.
struct StoredSession {
  core::Digest token;
  core::Principal principal;
  core::WallTime expires{};

  friend bool operator==(const StoredSession& a, const StoredSession& b) {
    return a.token == b.token && a.principal.user == b.principal.user &&
           a.principal.role == b.principal.role && a.expires == b.expires;
  }
};

/// The log-ins of a node, in memory. Thread-safe: checks share a lock and run side by side.
class Sessions {
 public:
  static constexpr std::chrono::days kLifetime{90};  ///< since the last use
  static constexpr std::chrono::days kWorthSaving{1};
  static constexpr std::size_t kMax = 4096;  ///< the one that expires first makes room

  struct Check {
    core::Principal principal;
    bool worth_saving = false;  ///< its expiry moved far enough beyond what add() or all() last told
  };

  void add(StoredSession session);
  /// None for an unknown or expired token; otherwise its expiry moves to kLifetime from now.
  std::optional<Check> check(const core::Digest& token, core::WallTime now) const;
  /// False when there is no such session.
  bool remove(const core::Digest& token);
  void remove_user(std::string_view user);
  /// Those that are valid now, for the file.
  std::vector<StoredSession> all(core::WallTime now) const;

 private:
  struct Entry {
    core::Principal principal;
    std::atomic<core::WallTime> expires;
    std::atomic<core::WallTime> saved;
  };
  void make_room();

  mutable std::shared_mutex mutex_;  ///< guards the map; the entries' times are moved under the shared lock
  mutable std::unordered_map<core::Digest, Entry> entries_;
};

}  // namespace kadenza::services::accounts
