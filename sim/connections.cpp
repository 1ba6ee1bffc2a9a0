// SPDX-License-Identifier: AGPL-3.0-or-later
#include "sim/connections.hpp"

#include <algorithm>

namespace kadenza::sim {
namespace {

constexpr double kSegment = 1460;
constexpr double kInitialWindow = 10 * kSegment;  // RFC 6928
constexpr double kWindowMax = 4 << 20;            // Linux's default limit of the receiver
constexpr core::Duration kIdleMin = std::chrono::milliseconds(200);

}  // namespace

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

std::optional<core::Instant> Connections::response(HostId client, HostId server, core::Instant now,
                                                   std::size_t bytes) {
  const auto connection = open_.find({client, server});
  if (connection == open_.end()) return std::nullopt;
  if (!network_.connected(client, server)) {
    open_.erase(connection);
    return std::nullopt;
  }
  Connection& open = connection->second;
  core::Duration sending{};
  if (network_.line(server).up > 0) {
    sending =
        slow_start(open, client, server, bytes, now) + network_.transmission(server, client, bytes, now);
  }
  open.to_client = std::max(open.to_client, now + sending + network_.stream_delay(server, client));
  return open.to_client;
}

core::Duration Connections::slow_start(Connection& open, HostId client, HostId server, std::size_t bytes,
                                       core::Instant now) const {
  const auto round_trip = network_.round_trip(client, server);
  // A window of this size keeps the line busy.
  const double enough = network_.line(server).up * std::chrono::duration<double>(round_trip).count();
  const bool idle = now - open.to_client > std::max(kIdleMin, 2 * round_trip);
  if (idle || open.window == 0) open.window = kInitialWindow;
  int rounds = 0;
  for (auto left = static_cast<double>(bytes) - open.window; left > 0 && open.window < enough;
       left -= open.window) {
    open.window = std::min(2 * open.window, kWindowMax);
    ++rounds;
  }
  return rounds * round_trip;
}

void Connections::drop_all(HostId host) {
  std::erase_if(
      open_, [host](const auto& entry) { return entry.first.first == host || entry.first.second == host; });
}

}  // namespace kadenza::sim
