// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/task.hpp"
#include "distributed/kademlia/contact.hpp"
#include "distributed/rpc/client_connection.hpp"
#include "distributed/rpc/peer_connections.hpp"

namespace kadenza::distributed::rpc {

/// Who waits for a call, on whatever executor: told once.
class Completion {
 public:
  virtual ~Completion() = default;
  virtual void operator()(core::Result<std::string> reply) = 0;
};

/// One call of another node, from its caller's wish to its reply. On its peer's strand.
struct PeerCall {
  using ByDeadline = std::multimap<core::Deadline, std::shared_ptr<PeerCall>>;

  kademlia::Endpoint endpoint;
  std::string path;
  std::string request;
  core::Deadline deadline;
  std::unique_ptr<Completion> completion;  ///< null once told
  ByDeadline::iterator place;
  std::shared_ptr<ClientConnection> connection;  ///< on which it was started; null: it waits for one
  http2::Session::Stream stream = 0;

  bool done() const noexcept { return completion == nullptr; }
};

/// Another node, as far as calls to it go: at most one connection that takes calls, the calls that wait for
/// one, and their deadlines. Everything on its strand.
class Peer : public std::enable_shared_from_this<Peer> {
 public:
  /// What all peers share; outlives them.
  struct Shared {
    boost::asio::any_io_executor executor;
    const core::Clock& clock;
    std::shared_ptr<tls::TlsIdentity> identity;
    PeerTimes times;
    std::atomic<std::size_t> sockets = 0;      ///< also of connections that are being opened
    std::atomic<std::size_t> connections = 0;  ///< ready
    std::atomic<std::uint64_t> calls = 0;
    std::atomic<std::uint64_t> connected = 0;
    std::atomic<std::uint64_t> unreachable = 0;
    std::atomic<bool> stopping = false;
    RefusalCounters refusals;
  };

  Peer(const core::NodeId& id, std::shared_ptr<Shared> shared);

  using Strand = boost::asio::strand<boost::asio::any_io_executor>;
  const Strand& strand() const noexcept { return strand_; }

  void call(const std::shared_ptr<PeerCall>& call);
  void cancel(const std::shared_ptr<PeerCall>& call);
  /// Closes connections and fails all calls.
  void close(const core::Error& why);

 private:
  using Connection = std::shared_ptr<ClientConnection>;

  bool backing_off(const kademlia::Endpoint& endpoint) const;
  void connect(kademlia::Endpoint to);
  core::Task<void> try_connect(Connection connection, kademlia::Endpoint to);
  void lost(const ClientConnection* connection, kademlia::Endpoint endpoint, const core::Error& why);
  void failed(kademlia::Endpoint endpoint, const core::Error& why);
  void start(const std::shared_ptr<PeerCall>& call);
  void withdraw(const std::shared_ptr<PeerCall>& call, core::Error why);
  void finish(const std::shared_ptr<PeerCall>& call, core::Result<std::string> reply);
  void arm();
  void expire();

  core::NodeId id_;
  std::shared_ptr<Shared> shared_;
  Strand strand_;
  boost::asio::steady_timer timer_;
  core::Instant armed_ = core::Instant::max();
  PeerCall::ByDeadline calls_;                             ///< all that are not done
  std::deque<std::shared_ptr<PeerCall>> waiting_;          ///< for a connection
  Connection connection_;                                  ///< takes calls, or is being opened
  std::vector<std::weak_ptr<ClientConnection>> retiring_;  ///< finish their calls, take no more
  bool connecting_ = false;
  unsigned failures_ = 0;  ///< in a row
  std::optional<kademlia::Endpoint> failed_at_;
  core::Error last_error_;
  core::Instant retry_at_{};
};

}  // namespace kadenza::distributed::rpc
