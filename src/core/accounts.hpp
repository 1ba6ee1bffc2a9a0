// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/task.hpp"

namespace kadenza::core {

/// Values are stored; never renumber. Each role may do what the ones before it may.
enum class Role : std::uint8_t { kListener = 1, kUploader = 2, kAdmin = 3 };

/// Who is asking.
struct Principal {
  std::string user;
  Role role = Role::kListener;
};

/// A log-in: a random bearer token, shown once.
struct Session {
  std::string token;
  Principal principal;
  WallTime expires{};
};

/// Who may use the node, as the Views see it. Thread-safe.
class Accounts {
 public:
  virtual ~Accounts() = default;

  /// kUnauthenticated for a wrong name or password, in the same time for both; kTooManyRequests after
  /// repeated failures.
  virtual Task<Result<Session>> log_in(std::string user, std::string password, Deadline deadline) = 0;
  /// Exchanges a one-time sign-in code (from a link) for a session; works once.
  virtual Task<Result<Session>> redeem(std::string code, Deadline deadline) = 0;
  /// A new one-time sign-in code for the principal, valid for a few minutes.
  virtual Task<Result<std::string>> one_time_code(Principal principal, Deadline deadline) = 0;
  virtual Task<Result<void>> log_out(std::string token, Deadline deadline) = 0;

  /// Answers at once, from memory (the log-in check of every request).
  virtual Result<Principal> authenticate(std::string_view token) const = 0;
};

}  // namespace kadenza::core
