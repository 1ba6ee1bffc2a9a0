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
/// Where hosts have lines, a response takes them its time, and a connection that is new or was idle needs
/// round trips to find out how much it may send (slow start, RFC 5681 and 6928). A connection is opened by
/// its first request and kept until one end dies or the way is cut.
class Connections {
 public:
  explicit Connections(Network& network) : network_(network) {}

  /// When a request sent now arrives; empty when it cannot.
  std::optional<core::Instant> request(HostId client, HostId server, core::Instant now);
  /// When a response of so many bytes on the client's connection has arrived; empty when it cannot.
  std::optional<core::Instant> response(HostId client, HostId server, core::Instant now,
                                        std::size_t bytes = 0);

  void drop(HostId client, HostId server) { open_.erase({client, server}); }
  void drop_all(HostId host);

 private:
  struct Connection {
    core::Instant ready;        // handshakes done, at the client
    core::Instant to_server{};  // arrival of the last bytes, each way
    core::Instant to_client{};
    double window = 0;  ///< bytes that may be on the way to the client; 0: nothing was sent yet
  };

  /// What the response waits for beside the lines and the way.
  core::Duration slow_start(Connection& open, HostId client, HostId server, std::size_t bytes,
                            core::Instant now) const;

  Network& network_;
  std::map<std::pair<HostId, HostId>, Connection> open_;
};

}  // namespace kadenza::sim
