// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/ids.hpp"
#include "core/task.hpp"
#include "distributed/peers/handlers.hpp"
#include "distributed/rpc/refusals.hpp"
#include "distributed/rpc/tls/tls_identity.hpp"

namespace kadenza::distributed::rpc {

/// What others may hold open or send.
struct RpcLimits {
  std::size_t connections = 1024;             ///< of members
  std::size_t connections_per_address = 256;  ///< of members and of strangers
  std::size_t handshakes = 64;                ///< under way at once
  std::uint32_t calls_per_connection = 128;   ///< under way at once
  std::size_t message_bytes = peers::kMessageBytesMax;
  std::size_t receiving_bytes = 64 << 20;  ///< requests that have begun to arrive, for each connection
  std::size_t header_bytes = 8 << 10;      ///< for each call
  std::size_t joining = 8;                 ///< connections of strangers who want to join
  std::uint32_t joining_calls = 2;         ///< under way at once on each of these
  std::size_t joining_message_bytes = 64 << 10;
};

struct RpcTimes {
  std::chrono::milliseconds handshake{5'000};
  std::chrono::milliseconds idle{300'000};    ///< without a call
  std::chrono::milliseconds stalled{30'000};  ///< without the other side taking a byte
  std::chrono::milliseconds joining{30'000};  ///< whole life of a stranger's connection
  std::chrono::milliseconds call{600'000};    ///< for calls without a time-out of their own
  std::chrono::milliseconds tick{500};        ///< how exactly these are kept
};

/// One server, at one moment.
struct RpcServerSnapshot {
  std::size_t connections = 0;  ///< members' and strangers', handshake done
  std::size_t handshakes = 0;   ///< under way
  std::uint64_t accepted = 0;   ///< since the start: handshake done
  std::uint64_t calls = 0;      ///< since the start
  RefusalCounters::Snapshot refusals{};
};

/// Serves other nodes' calls: HTTP/2 in gRPC's form over mutual TLS 1.3 (docs/wire.md). Each connection has a
/// strand, each call another one, on `executor`, an io_context's, run by any number of threads. All members
/// are thread-safe.
class RpcServer {
 public:
  struct Options {
    std::vector<boost::asio::ip::tcp::endpoint> listen;
    RpcLimits limits;
    RpcTimes times;
  };

  /// `clock`, `identity` and `handlers` outlive the server and every call; `clock` is the machine's own.
  RpcServer(boost::asio::any_io_executor executor, const core::Clock& clock,
            std::shared_ptr<tls::TlsIdentity> identity, const peers::Handlers& handlers, Options options);
  RpcServer(const RpcServer&) = delete;
  RpcServer& operator=(const RpcServer&) = delete;
  /// stop() has answered, or nothing runs any more.
  ~RpcServer();

  /// Binds and begins to accept. kConflict: the port is in use. kInvalidArgument: no such address here.
  core::Result<void> start();
  /// Where it listens, ports filled in; in the order of Options::listen.
  std::vector<boost::asio::ip::tcp::endpoint> endpoints() const;

  /// What those may call who have no certificate (TLS server name join.kadenza); null: they are refused.
  /// Their Caller has an id of zeros.
  void set_joining(std::shared_ptr<const peers::Handlers> handlers);

  /// Closes the connections of a node, and cancels its calls: it has been removed.
  void drop(const core::NodeId& node);

  RpcServerSnapshot snapshot() const;

  /// Takes no more connections and calls, lets calls under way finish for at most `patience`, then cancels
  /// them. Answers when nothing runs any more.
  core::Task<void> stop(std::chrono::milliseconds patience);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace kadenza::distributed::rpc
