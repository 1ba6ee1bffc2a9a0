// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/accounts/password.hpp"

#include <array>
#include <cstdint>
#include <span>

#include <fmt/format.h>
#include <sodium.h>

#include "core/base32.hpp"
#include "core/check.hpp"

namespace kadenza::services::accounts {
namespace {

void require_sodium() {
  static const bool ready = sodium_init() >= 0;
  KADENZA_CHECK(ready);
}

}  // namespace

core::Result<std::string> hash_password(std::string_view password, const PasswordCost& cost) {
  if (password.size() < kPasswordBytesMin || password.size() > kPasswordBytesMax) {
    return core::fail(core::Errc::kInvalidArgument, fmt::format("A password must have {} to {} bytes.",
                                                                kPasswordBytesMin, kPasswordBytesMax));
  }
  require_sodium();
  std::array<char, crypto_pwhash_STRBYTES> text{};
  if (crypto_pwhash_str_alg(text.data(), password.data(), password.size(), cost.passes, cost.memory_bytes,
                            crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return core::fail(core::Errc::kInternal,
                      fmt::format("There is not enough memory to hash a password ({} MiB are needed).",
                                  cost.memory_bytes >> 20));
  }
  return std::string(text.data());
}

bool password_matches(std::string_view password, const std::string& hash) noexcept {
  require_sodium();
  // libsodium reads a fixed-size field.
  std::array<char, crypto_pwhash_STRBYTES> text{};
  if (hash.size() >= text.size() || password.size() > kPasswordBytesMax) return false;
  hash.copy(text.data(), hash.size());
  return crypto_pwhash_str_verify(text.data(), password.data(), password.size()) == 0;
}

std::string random_secret(std::size_t bytes) {
  require_sodium();
  std::array<std::uint8_t, 64> random{};
  KADENZA_CHECK(bytes <= random.size());
  randombytes_buf(random.data(), bytes);
  std::string text = core::base32_encode(std::span(random).first(bytes));
  sodium_memzero(random.data(), random.size());
  return text;
}

}  // namespace kadenza::services::accounts
