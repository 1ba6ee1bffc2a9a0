// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/rpc/peer_connections.hpp"

#include <mutex>
#include <unordered_map>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "distributed/rpc/peer.hpp"

namespace kadenza::distributed::rpc {

namespace asio = boost::asio;
using core::Errc;

namespace {

/// Nodes that nobody calls any more are forgotten from here on.
constexpr std::size_t kPeersKept = 4096;
constexpr auto kStopPoll = std::chrono::milliseconds(5);

template <class Handler>
class CompletionOf final : public Completion {
 public:
  explicit CompletionOf(Handler handler) : handler_(std::move(handler)) {}

  void operator()(core::Result<std::string> reply) override {
    const auto executor = asio::get_associated_executor(handler_);
    auto resume = [handler = std::move(handler_), reply = std::move(reply)]() mutable {
      std::move(handler)(std::move(reply));
    };
    asio::post(executor, std::move(resume));
  }

 private:
  Handler handler_;
};

/// Begins a call on its peer's strand; Asio's cancellation withdraws it.
constexpr auto kBegin = [](auto handler, std::shared_ptr<Peer> peer, std::shared_ptr<PeerCall> call) {
  auto slot = asio::get_associated_cancellation_slot(handler);
  if (slot.is_connected()) {
    slot.assign([peer = std::weak_ptr(peer), call = std::weak_ptr(call)](asio::cancellation_type) {
      const auto to = peer.lock();
      if (to == nullptr) return;
      asio::post(to->strand(), [to, call] {
        if (const auto cancelled = call.lock()) to->cancel(cancelled);
      });
    });
  }
  call->completion = std::make_unique<CompletionOf<decltype(handler)>>(std::move(handler));
  asio::dispatch(peer->strand(), [peer, call] { peer->call(call); });
};

}  // namespace

struct PeerConnections::State {
  std::shared_ptr<Peer> peer(const core::NodeId& id);
  std::vector<std::shared_ptr<Peer>> all() const;

  std::shared_ptr<Peer::Shared> shared;
  mutable std::mutex mutex;  ///< guards peers
  std::unordered_map<core::NodeId, std::shared_ptr<Peer>> peers;
};

std::shared_ptr<Peer> PeerConnections::State::peer(const core::NodeId& id) {
  const std::lock_guard lock(mutex);
  auto& peer = peers[id];
  if (peer == nullptr) {
    peer = std::make_shared<Peer>(id, shared);
    const auto added = peer;
    if (peers.size() > kPeersKept)
      std::erase_if(peers, [](const auto& entry) { return entry.second.use_count() == 1; });
    return added;
  }
  return peer;
}

std::vector<std::shared_ptr<Peer>> PeerConnections::State::all() const {
  std::vector<std::shared_ptr<Peer>> list;
  const std::lock_guard lock(mutex);
  for (const auto& [id, peer] : peers) list.push_back(peer);
  return list;
}

PeerConnections::PeerConnections(asio::any_io_executor executor, const core::Clock& clock,
                                 std::shared_ptr<tls::TlsIdentity> identity, PeerTimes times)
    : state_(std::make_shared<State>()) {
  state_->shared = std::make_shared<Peer::Shared>(std::move(executor), clock, std::move(identity), times);
}

PeerConnections::~PeerConnections() = default;

core::Task<core::Result<std::string>> PeerConnections::call(kademlia::Contact to, std::string_view path,
                                                            std::string request, core::Deadline deadline) {
  if (request.size() > peers::kMessageBytesMax)
    co_return core::fail(Errc::kTooLarge, "the request is longer than what may be sent");
  auto peer = state_->peer(to.id);
  auto call = std::make_shared<PeerCall>();
  call->endpoint = to.endpoint;
  call->path = path;
  call->request = std::move(request);
  call->deadline = deadline;
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(core::Result<std::string>)>(
      kBegin, asio::use_awaitable, peer, call);
}

void PeerConnections::drop(const core::NodeId& node) {
  std::shared_ptr<Peer> peer;
  {
    const std::lock_guard lock(state_->mutex);
    const auto found = state_->peers.find(node);
    if (found == state_->peers.end()) return;
    peer = found->second;
  }
  asio::dispatch(peer->strand(), [peer] {
    peer->close({Errc::kUnavailable, std::string(tls::describe(Refusal::kRemoved))});
  });
}

PeerConnectionsSnapshot PeerConnections::snapshot() const {
  const auto& shared = *state_->shared;
  return {.connections = shared.connections,
          .calls = shared.calls,
          .connected = shared.connected,
          .unreachable = shared.unreachable,
          .refusals = shared.refusals.snapshot()};
}

core::Task<void> PeerConnections::stop() {
  const auto state = state_;
  state->shared->stopping = true;
  for (const auto& peer : state->all())
    asio::dispatch(peer->strand(), [peer] { peer->close({Errc::kUnavailable, "this node stops"}); });
  asio::steady_timer timer(co_await asio::this_coro::executor);
  while (state->shared->sockets > 0) {
    timer.expires_after(kStopPoll);
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

}  // namespace kadenza::distributed::rpc
