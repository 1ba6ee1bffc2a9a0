// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace kadenza::distributed::kademlia {

/// Where datagrams of a node go: an IPv6 address, or an IPv4 one mapped into it (RFC 4291 §2.5.5.2), and a
/// port.
struct Endpoint {
  std::array<std::uint8_t, 16> address{};
  std::uint16_t port = 0;

  /// `host` is the IPv4 address as a number: 127.0.0.1 = 0x7f000001.
  static Endpoint v4(std::uint32_t host, std::uint16_t port) noexcept;

  /// "192.0.2.1:4747" or "[2001:db8::1]:4747".
  static std::optional<Endpoint> parse(std::string_view text);
  std::string text() const;

  bool is_v4() const noexcept;

  /// No address given. In a message's sender: "I am where this datagram came from".
  bool unspecified() const noexcept { return port == 0; }

  /// Something that a datagram could be sent to: a port, and an address that is neither empty nor multicast.
  bool usable() const noexcept;

  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

/// Mixes all bytes of an endpoint with `salt`; for tables whose slots strangers must not choose.
std::uint64_t hash_endpoint(const Endpoint& endpoint, std::uint64_t salt) noexcept;

}  // namespace kadenza::distributed::kademlia
