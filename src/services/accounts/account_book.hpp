// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/accounts.hpp"
#include "core/error.hpp"
#include "core/ids.hpp"
#include "core/task.hpp"
#include "services/accounts/sessions.hpp"

namespace kadenza::services::accounts {

struct StoredUser {
  std::string name;
  std::string password_hash;
  core::Role role = core::Role::kListener;

  friend bool operator==(const StoredUser&, const StoredUser&) = default;
};

/// Where users and log-ins are written down: a file, or what many nodes share. Thread-safe. Questions are
/// answered from memory; writes block, and are durable on this node when they return.
class AccountBook {
 public:
  virtual ~AccountBook() = default;

  virtual std::vector<StoredUser> users() const = 0;
  virtual std::optional<StoredUser> user(std::string_view name) const = 0;
  /// None for an unknown or expired token.
  virtual std::optional<Sessions::Check> check(const core::Digest& token, core::WallTime now) const = 0;

  /// kConflict when the name is taken, or was taken by somebody who was removed.
  virtual core::Result<void> add_user(StoredUser user) = 0;
  /// This ends the user's sessions. kNotFound.
  virtual core::Result<void> set_password(std::string_view name, std::string hash) = 0;
  /// And so does this. kNotFound.
  virtual core::Result<void> remove_user(std::string_view name) = 0;

  virtual core::Result<void> add_session(StoredSession session) = 0;
  /// False when there is no such session.
  virtual core::Result<bool> remove_session(const core::Digest& token) = 0;
  /// Writes down that the session was used; check() said that this is worth it.
  virtual core::Result<void> renew_session(const core::Digest& token) = 0;

  /// Waits until whoever else can be reached knows what was written here; not for long.
  virtual core::Task<void> spread() = 0;
};

}  // namespace kadenza::services::accounts
