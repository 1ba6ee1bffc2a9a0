// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/rpc/server_connection.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace kadenza::distributed::rpc {

namespace asio = boost::asio;
using core::Errc;
using core::fail;
using http2::ServerSession;
using http2::Session;

namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

core::Result<std::string> outcome(const std::exception_ptr& failure, core::Result<std::string> reply) {
  if (!failure) return reply;
  try {
    std::rethrow_exception(failure);
  } catch (const boost::system::system_error& error) {
    if (error.code() == asio::error::operation_aborted)
      return fail(Errc::kCancelled, "the call was cancelled");
    return fail(Errc::kInternal, error.what());
  } catch (const std::exception& error) {
    return fail(Errc::kInternal, error.what());
  }
}

}  // namespace

ServerConnection::ServerConnection(Socket socket, const Shared& shared,
                                   std::shared_ptr<ServerConnectionOwner> owner)
    : Channel(std::move(socket)),
      shared_(shared),
      owner_(std::move(owner)),
      ended_(executor(), asio::steady_timer::time_point::max()) {}

std::shared_ptr<ServerConnection> ServerConnection::self() {
  return std::static_pointer_cast<ServerConnection>(shared_from_this());
}

core::Task<void> ServerConnection::run() {
  const bool accepted = co_await accept();
  if (!accepted) co_return;
  start_session();
  while (!closed() || alive_ > 0) co_await ended_.async_wait(kAwait);
}

core::Task<bool> ServerConnection::accept() {
  check_.identity = &shared_.identity;
  check_.contexts = shared_.identity.contexts();
  joining_ = owner_->joining_handlers();
  check_.may_join = joining_ != nullptr;
  auto engine = std::make_unique<tls::TlsEngine>(check_.contexts->server, tls::TlsEngine::Role::kServer);
  tls::attach(check_, *engine);
  const auto deadline = std::chrono::steady_clock::now() + shared_.times.handshake;
  auto shaking = handshake(std::move(engine), check_, deadline);
  const auto agreed = co_await std::move(shaking);
  if (!agreed) {
    owner_->on_refused(agreed.error());
    co_return false;
  }
  if (!check_.joining) {
    member_ = check_.id;
    joining_.reset();
  }
  if (closed()) co_return false;
  if (!owner_->on_accepted(*this, check_.id, check_.joining)) {
    close({Errc::kTooManyRequests, "too many connections"});
    co_return false;
  }
  co_return true;
}

void ServerConnection::start_session() {
  Session::Limits limits;
  limits.header_bytes = shared_.limits.header_bytes;
  limits.calls = joining_ ? shared_.limits.joining_calls : shared_.limits.calls_per_connection;
  limits.message_bytes = joining_ ? shared_.limits.joining_message_bytes : shared_.limits.message_bytes;
  limits.receiving_bytes = joining_ ? limits.calls * limits.message_bytes : shared_.limits.receiving_bytes;
  ServerSession::Listener& listener = *this;
  session_ = std::make_unique<ServerSession>(limits, listener);
  accepted_at_ = last_call_ = std::chrono::steady_clock::now();
  start(*session_, shared_.times.tick);
}

void ServerConnection::on_call(ServerSession::Call call) {
  if (closed() || finishing_) return;
  last_call_ = std::chrono::steady_clock::now();
  if (member_ && !shared_.identity.is_member(*member_)) {
    owner_->on_refused(Refusal::kRemoved);
    return close({Errc::kForbidden, std::string(tls::describe(Refusal::kRemoved))});
  }
  owner_->on_call();
  const auto* handler = (joining_ ? *joining_ : shared_.handlers).find(call.path);
  if (handler == nullptr) {
    return session_->answer(
        call.stream, fail(Errc::kUnavailable,
                          fmt::format("this node does not know the method {}", call.path.substr(0, 100))));
  }
  // Calls that were cancelled may still be on their way out.
  if (alive_ >= 2 * shared_.limits.calls_per_connection)
    return session_->answer(call.stream, fail(Errc::kTooManyRequests, "too many calls at once"));
  serve(*handler, std::move(call));
}

void ServerConnection::serve(const peers::Handlers::Raw& handler, ServerSession::Call call) {
  const auto stream = call.stream;
  const auto running = std::make_shared<Running>(shared_.executor);
  const auto timeout = std::min<core::Duration>(call.timeout, shared_.times.call);
  running->deadline = shared_.clock.now() + timeout;
  running_.emplace(stream, running);
  ++alive_;
  const peers::Caller caller{member_.value_or(core::NodeId{}), running->deadline};
  auto finished = [self = self(), stream, running](const std::exception_ptr& failure,
                                                   core::Result<std::string> reply) {
    auto result = outcome(failure, std::move(reply));
    auto deliver = [self, stream, running, result = std::move(result)]() mutable {
      self->served(stream, running, std::move(result));
    };
    asio::dispatch(self->executor(), std::move(deliver));
  };
  asio::co_spawn(running->strand, handler(caller, std::move(call.message)),
                 asio::bind_cancellation_slot(running->signal.slot(), std::move(finished)));
}

void ServerConnection::served(Session::Stream stream, const std::shared_ptr<Running>& running,
                              core::Result<std::string> reply) {
  --alive_;
  if (const auto found = running_.find(stream); found != running_.end() && found->second == running) {
    running_.erase(found);
    if (reply && reply->size() > peers::kMessageBytesMax) {
      spdlog::error("a reply of {} bytes is longer than what may be sent", reply->size());
      reply = fail(Errc::kInternal, "the reply is longer than what may be sent");
    }
    session_->answer(stream, std::move(reply));
    flush();
  }
  if (closed()) ended_.cancel();
}

void ServerConnection::cancel(const std::shared_ptr<Running>& running) {
  asio::post(running->strand, [running] { running->signal.emit(asio::cancellation_type::terminal); });
}

void ServerConnection::on_cancelled(Session::Stream stream) {
  const auto found = running_.find(stream);
  if (found == running_.end()) return;
  cancel(found->second);
  running_.erase(found);
}

void ServerConnection::on_closed(const core::Error&) {
  for (const auto& [stream, running] : running_) cancel(running);
  running_.clear();
  ended_.cancel();
}

void ServerConnection::on_protocol_error() {
  owner_->on_refused(Refusal::kProtocol);
}

void ServerConnection::on_tick(TimePoint now) {
  const auto instant = shared_.clock.now();
  for (const auto& [stream, running] : running_)
    if (running->deadline <= instant) cancel(running);
  const auto& times = shared_.times;
  const bool idle = session_->calls() == 0 && now - last_call_ > times.idle;
  const bool half_request = session_->calls() > running_.size() && now - last_received() > times.stalled;
  const bool stalled = half_request || (stalled_since() && now - *stalled_since() > times.stalled);
  const bool over = joining_ && now - accepted_at_ > times.joining;
  if (idle || stalled || over) close({Errc::kUnavailable, "nothing has moved for too long"});
}

void ServerConnection::finish() {
  if (closed() || finishing_) return;
  finishing_ = true;
  if (!session_) return close({Errc::kUnavailable, "this node stops"});
  session_->go_away();
  flush();
}

}  // namespace kadenza::distributed::rpc
