// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include <boost/asio/any_io_executor.hpp>

#include "core/clock.hpp"
#include "core/ids.hpp"
#include "core/task.hpp"
#include "distributed/peers/peers.hpp"
#include "distributed/rpc/refusals.hpp"
#include "distributed/rpc/tls/tls_identity.hpp"

namespace kadenza::distributed::rpc {

struct PeerTimes {
  std::chrono::milliseconds connect{2'000};  ///< TCP and TLS together
  std::chrono::milliseconds idle{120'000};   ///< without a call, until a connection is closed
  std::chrono::milliseconds quiet{
      1'000};  ///< without a byte while a call waits, until we ask: are you there?
  std::chrono::milliseconds answer{2'000};  ///< for that, until the connection is given up
  std::chrono::milliseconds back_off{100};  ///< after the first failed attempt to connect; doubles
  std::chrono::milliseconds back_off_max{2'000};
  std::chrono::milliseconds tick{250};  ///< how exactly idle, quiet and answer are kept
};

/// All connections to others, at one moment.
struct PeerConnectionsSnapshot {
  std::size_t connections = 0;           ///< open and ready
  std::uint64_t calls = 0;               ///< since the start
  std::uint64_t connected = 0;           ///< connections that came about, since the start
  std::uint64_t unreachable = 0;         ///< attempts to connect that TCP failed, since the start
  RefusalCounters::Snapshot refusals{};  ///< of others by us, in TLS: a wrong node, another cluster …
};

/// Calls to other nodes over mutual TLS 1.3: one connection to each node, opened when it is first called,
/// shared by all calls, closed when idle. A node that could not be reached is not tried again for a moment:
/// calls fail at once meanwhile. `executor` is an io_context's, run by any number of threads; each node has a
/// strand. All members are thread-safe.
class PeerConnections final : public peers::Peers {
 public:
  /// `clock` outlives it and is the machine's own.
  PeerConnections(boost::asio::any_io_executor executor, const core::Clock& clock,
                  std::shared_ptr<tls::TlsIdentity> identity, PeerTimes times = {});
  PeerConnections(const PeerConnections&) = delete;
  PeerConnections& operator=(const PeerConnections&) = delete;
  ~PeerConnections() override;

  /// As Peers::call(). A node to which a connection is open is called on it, whatever `to` says of its
  /// endpoint. Cancelled: kCancelled, at once.
  core::Task<core::Result<std::string>> call(kademlia::Contact to, std::string_view path, std::string request,
                                             core::Deadline deadline) override;

  /// Closes the connection to a node; calls under way fail (kUnavailable).
  void drop(const core::NodeId& node);

  PeerConnectionsSnapshot snapshot() const;

  /// Closes all connections; calls under way and to come fail (kUnavailable). Answers when all are closed.
  core::Task<void> stop();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace kadenza::distributed::rpc
