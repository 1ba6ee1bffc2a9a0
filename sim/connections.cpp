// SPDX-License-Identifier: AGPL-3.0-or-later
#include "sim/connections.hpp"

#include <algorithm>

namespace kadenza::sim {

std::optional<core::Instant> Connections::request(HostId client, HostId server, core::Instant now) {
  if (!network_.connected(client, server)) {
    drop(client, server);
    return std::nullopt;
  }
  auto connection = open_.find({client, server});
  if (connection == open_.end()) {
    if (network_.behind_nat(server)) return std::nullopt;
    core::Instant ready = now;
    for (int handshake = 0; handshake < 2; ++handshake) {
      ready += network_.stream_delay(client, server) + network_.stream_delay(server, client);
    }
    connection = open_.emplace(std::pair(client, server), Connection{.ready = ready}).first;
  }
  Connection& open = connection->second;
  open.to_server =
      std::max(open.to_server, std::max(now, open.ready) + network_.stream_delay(client, server));
  return open.to_server;
}

std::optional<core::Instant> Connections::response(HostId client, HostId server, core::Instant now) {
  const auto connection = open_.find({client, server});
  if (connection == open_.end()) return std::nullopt;
  if (!network_.connected(client, server)) {
    open_.erase(connection);
    return std::nullopt;
  }
  Connection& open = connection->second;
  open.to_client = std::max(open.to_client, now + network_.stream_delay(server, client));
  return open.to_client;
}

void Connections::drop_all(HostId host) {
  std::erase_if(
      open_, [host](const auto& entry) { return entry.first.first == host || entry.first.second == host; });
}

}  // namespace kadenza::sim
