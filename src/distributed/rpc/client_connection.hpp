// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/task.hpp"
#include "distributed/kademlia/endpoint.hpp"
#include "distributed/rpc/channel.hpp"
#include "distributed/rpc/http2/client_session.hpp"
#include "distributed/rpc/peer_connections.hpp"
#include "distributed/rpc/tls/peer_check.hpp"

namespace kadenza::distributed::rpc {

/// A connection to another node, and our calls on it. As Channel: everything on its strand.
class ClientConnection final : public Channel, private http2::ClientSession::Listener {
 public:
  using Answered = std::function<void(core::Result<std::string>)>;
  using Closed = std::function<void(const ClientConnection*, const core::Error&)>;
  using Stream = http2::Session::Stream;

  /// `check` says who the other side has to be; without an identity it is to let us join.
  /// `closed` comes once, if open() succeeded.
  ClientConnection(boost::asio::any_io_executor strand, tls::PeerCheck check, PeerTimes times, Closed closed);

  /// kUnavailable: nobody answers there, or not as who was wanted; then refusal() says what was wrong with
  /// the other side, unless TCP failed.
  core::Task<core::Result<void>> open(kademlia::Endpoint to, TimePoint deadline);
  std::optional<Refusal> refusal() const noexcept { return refusal_; }

  /// Takes another call.
  bool usable() const { return session_ != nullptr && !closed() && session_->can_call(); }
  /// The other side has answered a call, hence accepted us.
  bool proven() const noexcept { return proven_; }
  /// Only when usable(). `answered` comes once, unless cancel() comes first.
  Stream start(std::string_view path, std::string request, std::optional<core::Duration> timeout,
               Answered answered);
  void cancel(Stream stream);

 private:
  core::Task<core::Result<void>> connect(kademlia::Endpoint to, TimePoint deadline);

  void on_reply(Stream stream, core::Result<std::string> reply) override;
  void on_closed(const core::Error& why) override;
  void on_tick(TimePoint now) override;
  void ask_whether_alive(TimePoint now);

  tls::PeerCheck check_;
  PeerTimes times_;
  Closed when_closed_;
  std::optional<Refusal> refusal_;
  std::unique_ptr<http2::ClientSession> session_;
  std::unordered_map<Stream, Answered> calls_;
  TimePoint last_call_;
  TimePoint waiting_since_;         ///< for any reply
  std::optional<TimePoint> asked_;  ///< whether it is alive
  bool proven_ = false;
};

}  // namespace kadenza::distributed::rpc
