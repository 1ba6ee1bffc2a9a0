// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <map>
#include <optional>
#include <utility>

#include "core/clock.hpp"
#include "sim/network.hpp"

namespace kadenza::sim {

/// After this long without an acknowledgement a transport gives a connection up (TCP_USER_TIMEOUT, gRPC's
/// keepalive). Linux alone would wait about 15 minutes.
inline constexpr core::Duration kTransportTimeout = std::chrono::seconds(20);

/// The time that connections take: one round trip for TCP and one for TLS 1.3 (RFC 8446, section 2) before
/// the first request, then nothing but the way; bytes arrive in order, and lost ones delay those behind them.
/// A connection is opened by its first request and kept until one end dies or the way is cut.
class Connections {
 public:
  explicit Connections(Network& network) : network_(network) {}

  /// When a request sent now arrives; empty when it cannot.
  std::optional<core::Instant> request(HostId client, HostId server, core::Instant now);
  /// When a response on the client's connection arrives; empty when it cannot.
  std::optional<core::Instant> response(HostId client, HostId server, core::Instant now);

  void drop(HostId client, HostId server) { open_.erase({client, server}); }
  void drop_all(HostId host);

 private:
  struct Connection {
    core::Instant ready;        // handshakes done, at the client
    core::Instant to_server{};  // arrival of the last bytes, each way
    core::Instant to_client{};
  };

  Network& network_;
  std::map<std::pair<HostId, HostId>, Connection> open_;
};

}  // namespace kadenza::sim
