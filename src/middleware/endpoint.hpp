// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace kadenza::middleware {

inline constexpr std::uint16_t kDefaultPort = 4747;
inline constexpr std::string_view kDefaultServer = "http://127.0.0.1:4747";
inline constexpr std::size_t kServersMax = 64;

/// Where one node answers HTTP.
struct Endpoint {
  bool tls = false;
  std::string host;  ///< a name, or an address without brackets
  std::uint16_t port = kDefaultPort;
  std::string prefix;  ///< of every path, for a node behind a reverse proxy: "" or "/music"

  std::string url() const;
  /// The Host header's value; `host` in brackets when it is an IPv6 address.
  std::string authority() const;

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

/// "http://HOST[:PORT][/PREFIX]" or https; without a port 4747 for http and 443 for https.
core::Result<Endpoint> parse_endpoint(std::string_view url);

/// Whether the host, a name or an address, is this very machine.
bool is_loopback(std::string_view host);

/// One or more URLs separated by commas, each once, in the order given.
core::Result<std::vector<Endpoint>> parse_servers(std::string_view list);

}  // namespace kadenza::middleware
