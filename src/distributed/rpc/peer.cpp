// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/rpc/peer.hpp"

#include <algorithm>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

namespace kadenza::distributed::rpc {

namespace asio = boost::asio;
using core::Errc;
using core::Error;
using core::fail;

Peer::Peer(const core::NodeId& id, std::shared_ptr<Shared> shared)
    : id_(id), shared_(std::move(shared)), strand_(asio::make_strand(shared_->executor)), timer_(strand_) {}

void Peer::call(const std::shared_ptr<PeerCall>& call) {
  ++shared_->calls;
  call->place = calls_.emplace(call->deadline, call);
  if (call->deadline <= shared_->clock.now()) return finish(call, fail(Errc::kDeadlineExceeded));
  if (shared_->stopping) return finish(call, fail(Errc::kUnavailable, "this node stops"));
  if (!shared_->identity->is_member(id_))
    return finish(call, fail(Errc::kUnavailable, std::string(tls::describe(Refusal::kRemoved))));
  arm();
  if (!connecting_ && connection_ && connection_->usable()) return start(call);
  if (!connecting_ && backing_off(call->endpoint)) return finish(call, std::unexpected(last_error_));
  waiting_.push_back(call);
  if (!connecting_) connect(call->endpoint);
}

bool Peer::backing_off(const kademlia::Endpoint& endpoint) const {
  return failed_at_ == endpoint && shared_->clock.now() < retry_at_;
}

void Peer::connect(kademlia::Endpoint to) {
  connecting_ = true;
  ++shared_->sockets;
  std::erase_if(retiring_, [](const auto& old) { return old.expired(); });
  if (connection_) retiring_.push_back(connection_);
  tls::PeerCheck check;
  check.identity = shared_->identity.get();
  check.contexts = shared_->identity->contexts();
  check.wanted = id_;
  auto closed = [weak = weak_from_this(), shared = shared_, to](const ClientConnection* connection,
                                                                const Error& why) {
    --shared->connections;
    --shared->sockets;
    if (const auto self = weak.lock()) self->lost(connection, to, why);
  };
  connection_ =
      std::make_shared<ClientConnection>(strand_, std::move(check), shared_->times, std::move(closed));
  auto trying = [self = shared_from_this(), to] { return self->try_connect(self->connection_, to); };
  asio::co_spawn(strand_, std::move(trying), asio::detached);
}

core::Task<void> Peer::try_connect(Connection connection, kademlia::Endpoint to) {
  const auto deadline = std::chrono::steady_clock::now() + shared_->times.connect;
  auto opening = connection->open(to, deadline);
  const auto opened = co_await std::move(opening);
  connecting_ = false;
  if (!opened) {
    --shared_->sockets;
    if (connection->refusal()) {
      shared_->refusals.add(*connection->refusal());
    } else {
      ++shared_->unreachable;
    }
    failed(to, opened.error());
    co_return;
  }
  ++shared_->connected;
  ++shared_->connections;
  const auto waiting = std::exchange(waiting_, {});
  for (const auto& call : waiting) start(call);
}

/// A connection that came about has ended. Before it has answered anything: the other side refuses us.
void Peer::lost(const ClientConnection* connection, kademlia::Endpoint endpoint, const Error& why) {
  if (connection_.get() != connection) return;
  if (!connection->proven()) return failed(endpoint, why);
  connection_.reset();
  failures_ = 0;
  failed_at_.reset();
}

void Peer::failed(kademlia::Endpoint endpoint, const Error& why) {
  connection_.reset();
  const auto& times = shared_->times;
  const auto back_off = times.back_off * (1u << std::min(failures_, 10u));
  ++failures_;
  failed_at_ = endpoint;
  last_error_ = why;
  retry_at_ = shared_->clock.now() + std::min(back_off, times.back_off_max);
  const auto waiting = waiting_;
  for (const auto& call : waiting)
    if (call->endpoint == endpoint || shared_->stopping) finish(call, std::unexpected(why));
  if (!waiting_.empty()) connect(waiting_.front()->endpoint);
}

void Peer::start(const std::shared_ptr<PeerCall>& call) {
  std::optional<core::Duration> timeout;
  if (call->deadline != core::Deadline::max()) timeout = call->deadline - shared_->clock.now();
  call->connection = connection_;
  auto answered = [self = shared_from_this(), call](core::Result<std::string> reply) {
    self->finish(call, std::move(reply));
  };
  call->stream = connection_->start(call->path, std::move(call->request), timeout, std::move(answered));
}

void Peer::cancel(const std::shared_ptr<PeerCall>& call) {
  withdraw(call, {Errc::kCancelled, "the call was cancelled"});
}

void Peer::withdraw(const std::shared_ptr<PeerCall>& call, Error why) {
  if (call->done()) return;
  if (const auto connection = call->connection) connection->cancel(call->stream);
  finish(call, std::unexpected(std::move(why)));
}

void Peer::finish(const std::shared_ptr<PeerCall>& call, core::Result<std::string> reply) {
  if (call->done()) return;
  calls_.erase(call->place);
  if (!call->connection) std::erase(waiting_, call);
  call->connection.reset();
  const auto completion = std::move(call->completion);
  (*completion)(std::move(reply));
}

void Peer::close(const Error& why) {
  const auto calls = calls_;
  for (const auto& [deadline, call] : calls) withdraw(call, why);
  const auto retiring = std::exchange(retiring_, {});
  for (const auto& old : retiring)
    if (const auto connection = old.lock()) connection->close(why);
  if (const auto connection = connection_) connection->close(why);
  armed_ = core::Instant::max();
  timer_.cancel();
}

void Peer::arm() {
  if (calls_.empty() || calls_.begin()->first >= armed_) return;
  armed_ = calls_.begin()->first;
  timer_.expires_after(armed_ - shared_->clock.now());
  timer_.async_wait([weak = weak_from_this()](boost::system::error_code error) {
    const auto self = weak.lock();
    if (self && !error) self->expire();
  });
}

void Peer::expire() {
  armed_ = core::Instant::max();
  const auto now = shared_->clock.now();
  while (!calls_.empty() && calls_.begin()->first <= now) {
    const auto call = calls_.begin()->second;
    withdraw(call, {Errc::kDeadlineExceeded, "the other node did not answer in time"});
  }
  arm();
}

}  // namespace kadenza::distributed::rpc
