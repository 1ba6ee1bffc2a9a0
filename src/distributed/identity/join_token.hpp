// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/ids.hpp"

namespace kadenza::distributed::identity {

/// What a person carries from an issuer to a new node: where the issuer is, by which authority to know it,
/// and a secret that it accepts once. Written as one word, "kadenza-join-…"; docs/formats/join-token.md.
struct JoinToken {
  static constexpr std::string_view kPrefix = "kadenza-join-";
  static constexpr std::size_t kAddressesMax = 8;
  static constexpr std::size_t kAddressBytesMax = 255;
  using Secret = std::array<std::uint8_t, 16>;

  core::Digest authority;              ///< fingerprint of the issuer's authority
  std::vector<std::string> addresses;  ///< "HOST:PORT" of the issuer, the best first; at least one
  Secret secret{};
  core::WallTime expires;  ///< whole seconds

  static Secret new_secret();

  std::string text() const;
  /// kInvalidArgument tells apart: no token at all, one that was cut or mistyped, one of a later version.
  /// Expired ones are parsed.
  static core::Result<JoinToken> parse(std::string_view text);

  friend bool operator==(const JoinToken&, const JoinToken&) = default;
};

}  // namespace kadenza::distributed::identity
