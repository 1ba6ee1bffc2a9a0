// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <memory>
#include <optional>
#include <unordered_map>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/strand.hpp>

#include "core/clock.hpp"
#include "core/task.hpp"
#include "distributed/peers/handlers.hpp"
#include "distributed/rpc/channel.hpp"
#include "distributed/rpc/http2/server_session.hpp"
#include "distributed/rpc/rpc_server.hpp"
#include "distributed/rpc/tls/peer_check.hpp"

namespace kadenza::distributed::rpc {

class ServerConnection;

/// Whose connections these are: the server, as its connections know it. Any thread.
class ServerConnectionOwner {
 public:
  virtual ~ServerConnectionOwner() = default;
  /// The handshake has succeeded. False: over a limit; the connection is closed.
  virtual bool on_accepted(const ServerConnection& connection, const core::NodeId& id, bool joining) = 0;
  virtual void on_refused(Refusal reason) = 0;
  virtual void on_call() = 0;
  virtual std::shared_ptr<const peers::Handlers> joining_handlers() const = 0;
};

/// A connection that another node has opened, and the calls that it makes. As Channel.
class ServerConnection final : public Channel, private http2::ServerSession::Listener {
 public:
  /// What all connections of a server share; outlives them.
  struct Shared {
    boost::asio::any_io_executor executor;
    const core::Clock& clock;
    const tls::TlsIdentity& identity;
    const peers::Handlers& handlers;
    RpcLimits limits;
    RpcTimes times;
  };

  ServerConnection(Socket socket, const Shared& shared, std::shared_ptr<ServerConnectionOwner> owner);

  /// Ends when the connection is closed and none of its calls runs any more. On the strand, once.
  core::Task<void> run();

  // On the strand:
  /// No more calls; closes when those under way have been answered.
  void finish();

 private:
  /// One call under way. Its coroutine and its signal live on its strand.
  struct Running {
    explicit Running(boost::asio::any_io_executor executor) : strand(std::move(executor)) {}
    boost::asio::strand<boost::asio::any_io_executor> strand;
    boost::asio::cancellation_signal signal;
    core::Instant deadline;
  };

  core::Task<bool> accept();
  void start_session();
  std::shared_ptr<ServerConnection> self();

  void on_call(http2::ServerSession::Call call) override;
  void on_cancelled(http2::Session::Stream stream) override;
  void on_closed(const core::Error& why) override;
  void on_protocol_error() override;
  void on_tick(TimePoint now) override;

  void serve(const peers::Handlers::Raw& handler, http2::ServerSession::Call call);
  void served(http2::Session::Stream stream, const std::shared_ptr<Running>& running,
              core::Result<std::string> reply);
  static void cancel(const std::shared_ptr<Running>& running);

  const Shared& shared_;
  std::shared_ptr<ServerConnectionOwner> owner_;
  tls::PeerCheck check_;
  std::optional<core::NodeId> member_;
  std::shared_ptr<const peers::Handlers> joining_;  ///< null for members
  std::unique_ptr<http2::ServerSession> session_;
  std::unordered_map<http2::Session::Stream, std::shared_ptr<Running>> running_;  ///< not yet answered
  std::size_t alive_ = 0;            ///< coroutines of calls, also of cancelled ones
  boost::asio::steady_timer ended_;  ///< cancelled when there is nothing left to wait for
  TimePoint accepted_at_;
  TimePoint last_call_;
  bool finishing_ = false;
};

}  // namespace kadenza::distributed::rpc
