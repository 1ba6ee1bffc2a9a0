// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/identity/join_token.hpp"

#include <algorithm>
#include <chrono>
#include <span>

#include <sodium.h>

#include "core/base32.hpp"
#include "core/check.hpp"
#include "core/sha256.hpp"

namespace kadenza::distributed::identity {
namespace {

using core::Errc;
using core::fail;

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kChecksumBytes = 4;
constexpr std::size_t kTextMax = 4096;

using Bytes = std::vector<std::uint8_t>;

void put_number(Bytes& out, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(number >> shift));
}

void put(Bytes& out, std::span<const std::uint8_t> bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

/// Reads from the front of `bytes`; an empty answer for more than there is.
std::span<const std::uint8_t> take(std::span<const std::uint8_t>& bytes, std::size_t count) {
  if (bytes.size() < count) {
    bytes = {};
    return {};
  }
  const auto taken = bytes.first(count);
  bytes = bytes.subspan(count);
  return taken;
}

core::Result<JoinToken> mistyped() {
  return fail(Errc::kInvalidArgument,
              "The join token is not complete or was mistyped. Copy all of it, as “kadenza cluster invite” "
              "printed it.");
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

core::Result<JoinToken> decode(std::span<const std::uint8_t> bytes) {
  JoinToken token;
  std::uint64_t seconds = 0;
  for (const std::uint8_t byte : take(bytes, 8)) seconds = seconds << 8 | byte;
  token.expires = core::WallTime(std::chrono::seconds(seconds & 0xff'ffff'ffffu));
  const auto authority = core::Digest::from_bytes(take(bytes, core::Digest::kBytes));
  const auto secret = take(bytes, token.secret.size());
  if (!authority || secret.size() != token.secret.size()) return mistyped();
  token.authority = *authority;
  std::ranges::copy(secret, token.secret.begin());
  while (!bytes.empty() && token.addresses.size() < JoinToken::kAddressesMax) {
    const std::size_t length = take(bytes, 1).front();
    const auto address = take(bytes, length);
    if (address.empty()) return mistyped();
    token.addresses.emplace_back(address.begin(), address.end());
  }
  if (token.addresses.empty() || !bytes.empty()) return mistyped();
  return token;
}

}  // namespace

JoinToken::Secret JoinToken::new_secret() {
  KADENZA_CHECK(sodium_init() >= 0);
  Secret secret{};
  randombytes_buf(secret.data(), secret.size());
  return secret;
}

std::string JoinToken::text() const {
  KADENZA_CHECK(!addresses.empty() && addresses.size() <= kAddressesMax);
  Bytes bytes{kVersion};
  put_number(bytes, static_cast<std::uint64_t>(
                        std::chrono::floor<std::chrono::seconds>(expires).time_since_epoch().count()));
  put(bytes, authority.bytes);
  put(bytes, secret);
  for (const std::string& address : addresses) {
    KADENZA_CHECK(!address.empty() && address.size() <= kAddressBytesMax);
    bytes.push_back(static_cast<std::uint8_t>(address.size()));
    bytes.insert(bytes.end(), address.begin(), address.end());
  }
  const auto checksum = core::sha256(bytes).bytes;
  put(bytes, std::span(checksum).first(kChecksumBytes));
  return std::string(kPrefix) + core::base32_encode(bytes);
}

core::Result<JoinToken> JoinToken::parse(std::string_view text) {
  text = trimmed(text);
  if (!text.starts_with(kPrefix) || text.size() > kTextMax) {
    return fail(Errc::kInvalidArgument,
                "This is not a join token, which begins with kadenza-join-. A member makes one with "
                "“kadenza cluster invite”.");
  }
  text.remove_prefix(kPrefix.size());
  Bytes bytes(text.size() * 5 / 8);
  if (bytes.size() <= 1 + kChecksumBytes || !core::base32_decode(text, bytes)) return mistyped();
  const auto content = std::span<const std::uint8_t>(bytes).first(bytes.size() - kChecksumBytes);
  const auto checksum = core::sha256(content).bytes;
  if (!std::equal(checksum.begin(), checksum.begin() + kChecksumBytes, bytes.end() - kChecksumBytes)) {
    return mistyped();
  }
  if (content[0] != kVersion) {
    return fail(Errc::kInvalidArgument,
                "The join token was made by a newer version of Kadenza. Update this node's program.");
  }
  return decode(content.subspan(1));
}

}  // namespace kadenza::distributed::identity
