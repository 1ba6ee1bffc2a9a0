// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace kadenza::services::accounts {

/// How hard a password is to guess from its hash (Argon2id, RFC 9106). The defaults are libsodium's
/// "interactive" ones: 64 MiB and two passes, some 0.1 s on one core.
struct PasswordCost {
  unsigned long long passes = 2;
  std::size_t memory_bytes = 64u << 20;
};

inline constexpr std::size_t kPasswordBytesMin = 8;
inline constexpr std::size_t kPasswordBytesMax = 1024;

/// Argon2id in libsodium's text form, with its salt and cost. Blocking; kInternal when memory is short,
/// kInvalidArgument for a password that is too short or too long.
core::Result<std::string> hash_password(std::string_view password, const PasswordCost& cost);

/// Blocking, takes the time that the hash's own cost says.
bool password_matches(std::string_view password, const std::string& hash) noexcept;

/// `bytes` random bytes as lower-case base32; at most 64 bytes.
std::string random_secret(std::size_t bytes);

}  // namespace kadenza::services::accounts
