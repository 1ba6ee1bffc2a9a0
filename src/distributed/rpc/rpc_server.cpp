// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/rpc/rpc_server.hpp"

#include <atomic>
#include <map>
#include <mutex>
#include <unordered_map>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "distributed/rpc/server_connection.hpp"

namespace kadenza::distributed::rpc {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using core::Errc;
using core::fail;

namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr auto kAcceptBackOff = std::chrono::milliseconds(100);
constexpr auto kStopPoll = std::chrono::milliseconds(5);

std::string text(const tcp::endpoint& endpoint) {
  return endpoint.address().is_v6() ? fmt::format("[{}]:{}", endpoint.address().to_string(), endpoint.port())
                                    : fmt::format("{}:{}", endpoint.address().to_string(), endpoint.port());
}

/// One address, however it was reached.
asio::ip::address plain(const asio::ip::address& address) {
  if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return address;
  return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
}

core::Result<tcp::acceptor> open_acceptor(const asio::any_io_executor& executor,
                                          const tcp::endpoint& endpoint) {
  tcp::acceptor acceptor(asio::make_strand(executor));
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  // As the UDP socket of the same port: on an IPv6 address also for IPv4.
  if (!error && endpoint.protocol() == tcp::v6()) acceptor.set_option(asio::ip::v6_only(false), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (!error) return acceptor;
  return fail(error == asio::error::address_in_use ? Errc::kConflict : Errc::kInvalidArgument,
              fmt::format("Cannot listen for other nodes on {}: {}.", text(endpoint), error.message()));
}

}  // namespace

struct RpcServer::State final : ServerConnectionOwner, std::enable_shared_from_this<State> {
  enum class Stage : std::uint8_t { kHandshake, kMember, kJoining };
  struct Entry {
    std::weak_ptr<ServerConnection> connection;
    asio::ip::address address;
    Stage stage = Stage::kHandshake;
    core::NodeId id;
  };

  State(asio::any_io_executor on, const core::Clock& clock, std::shared_ptr<tls::TlsIdentity> who,
        const peers::Handlers& handlers, Options wanted)
      : identity(std::move(who)), options(std::move(wanted)), shared{std::move(on),  clock,
                                                                     *identity,      handlers,
                                                                     options.limits, options.times} {}

  core::Task<void> accept(tcp::acceptor& acceptor);
  void take(tcp::socket socket);
  core::Task<void> serve(std::shared_ptr<ServerConnection> connection);
  void leave(const ServerConnection& connection);

  bool on_accepted(const ServerConnection& connection, const core::NodeId& id, bool joining) override;
  void on_refused(Refusal reason) override { refusals.add(reason); }
  void on_call() override { ++calls; }
  std::shared_ptr<const peers::Handlers> joining_handlers() const override;

  template <class Wanted>
  std::vector<std::shared_ptr<ServerConnection>> connections_where(Wanted wanted) const;
  template <class Do>
  void on_each_strand(Do action) const;
  void close_acceptors();
  core::Task<bool> empty_by(std::chrono::steady_clock::time_point deadline) const;

  std::shared_ptr<tls::TlsIdentity> identity;
  Options options;
  ServerConnection::Shared shared;
  std::vector<std::unique_ptr<tcp::acceptor>> acceptors;  ///< fixed once start() has answered
  RefusalCounters refusals;
  std::atomic<std::uint64_t> calls = 0;
  std::atomic<bool> stopping = false;

  mutable std::mutex mutex;  ///< guards what follows
  std::shared_ptr<const peers::Handlers> joining;
  std::unordered_map<const ServerConnection*, Entry> entries;
  std::map<asio::ip::address, std::size_t> per_address;
  std::array<std::size_t, 3> per_stage{};
  std::uint64_t accepted = 0;
  std::size_t accepting = 0;
};

core::Task<void> RpcServer::State::accept(tcp::acceptor& acceptor) {
  while (!stopping) {
    const auto strand = asio::make_strand(shared.executor);
    auto [error, socket] = co_await acceptor.async_accept(strand, kAwait);
    if (!error) {
      take(std::move(socket));
    } else if (error == asio::error::operation_aborted || error == asio::error::bad_descriptor) {
      break;
    } else if (error != asio::error::connection_aborted) {  // out of descriptors or memory
      spdlog::warn("accepting connections of other nodes failed: {}", error.message());
      asio::steady_timer timer(acceptor.get_executor(), kAcceptBackOff);
      co_await timer.async_wait(kAwait);
    }
  }
  const std::lock_guard lock(mutex);
  --accepting;
}

void RpcServer::State::take(tcp::socket socket) {
  error_code error;
  const auto remote = socket.remote_endpoint(error);
  if (error || stopping) return;
  const auto address = plain(remote.address());
  const auto executor = socket.get_executor();
  const auto connection = std::make_shared<ServerConnection>(std::move(socket), shared, shared_from_this());
  {
    const std::lock_guard lock(mutex);
    const auto of_address = per_address.find(address);
    auto& handshakes = per_stage[static_cast<std::size_t>(Stage::kHandshake)];
    if (handshakes >= options.limits.handshakes ||
        (of_address != per_address.end() && of_address->second >= options.limits.connections_per_address))
      return refusals.add(Refusal::kOverLimit);
    ++per_address[address];
    ++handshakes;
    entries.emplace(connection.get(), Entry{connection, address, Stage::kHandshake, {}});
  }
  auto serving = [self = shared_from_this(), connection] { return self->serve(connection); };
  asio::co_spawn(executor, std::move(serving), asio::detached);
}

core::Task<void> RpcServer::State::serve(std::shared_ptr<ServerConnection> connection) {
  auto running = connection->run();
  co_await std::move(running);
  leave(*connection);
}

void RpcServer::State::leave(const ServerConnection& connection) {
  const std::lock_guard lock(mutex);
  const auto found = entries.find(&connection);
  --per_stage[static_cast<std::size_t>(found->second.stage)];
  const auto of_address = per_address.find(found->second.address);
  if (--of_address->second == 0) per_address.erase(of_address);
  entries.erase(found);
}

bool RpcServer::State::on_accepted(const ServerConnection& connection, const core::NodeId& id, bool joins) {
  const auto stage = joins ? Stage::kJoining : Stage::kMember;
  const auto limit = joins ? options.limits.joining : options.limits.connections;
  const std::lock_guard lock(mutex);
  if (per_stage[static_cast<std::size_t>(stage)] >= limit) {
    refusals.add(Refusal::kOverLimit);
    return false;
  }
  auto& entry = entries.at(&connection);
  --per_stage[static_cast<std::size_t>(entry.stage)];
  entry.stage = stage;
  entry.id = id;
  ++per_stage[static_cast<std::size_t>(stage)];
  ++accepted;
  return !stopping;
}

std::shared_ptr<const peers::Handlers> RpcServer::State::joining_handlers() const {
  const std::lock_guard lock(mutex);
  return joining;
}

template <class Wanted>
std::vector<std::shared_ptr<ServerConnection>> RpcServer::State::connections_where(Wanted wanted) const {
  std::vector<std::shared_ptr<ServerConnection>> found;
  const std::lock_guard lock(mutex);
  for (const auto& [raw, entry] : entries) {
    if (!wanted(entry)) continue;
    if (auto held = entry.connection.lock()) found.push_back(std::move(held));
  }
  return found;
}

template <class Do>
void RpcServer::State::on_each_strand(Do action) const {
  for (const auto& connection : connections_where([](const Entry&) { return true; }))
    asio::dispatch(connection->executor(), [connection, action] { action(*connection); });
}

void RpcServer::State::close_acceptors() {
  for (auto& acceptor : acceptors)
    asio::post(acceptor->get_executor(), [self = shared_from_this(), &acceptor] {
      error_code ignored;
      acceptor->close(ignored);
    });
}

core::Task<bool> RpcServer::State::empty_by(std::chrono::steady_clock::time_point deadline) const {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  for (;;) {
    {
      const std::lock_guard lock(mutex);
      if (entries.empty() && accepting == 0) co_return true;
    }
    if (std::chrono::steady_clock::now() >= deadline) co_return false;
    timer.expires_after(kStopPoll);
    co_await timer.async_wait(kAwait);
  }
}

RpcServer::RpcServer(asio::any_io_executor executor, const core::Clock& clock,
                     std::shared_ptr<tls::TlsIdentity> identity, const peers::Handlers& handlers,
                     Options options)
    : state_(std::make_shared<State>(std::move(executor), clock, std::move(identity), handlers,
                                     std::move(options))) {}

RpcServer::~RpcServer() = default;

core::Result<void> RpcServer::start() {
  for (const auto& endpoint : state_->options.listen) {
    auto acceptor = open_acceptor(state_->shared.executor, endpoint);
    if (!acceptor) {
      state_->acceptors.clear();
      return std::unexpected(std::move(acceptor).error());
    }
    state_->acceptors.push_back(std::make_unique<tcp::acceptor>(std::move(*acceptor)));
  }
  state_->accepting = state_->acceptors.size();
  for (auto& acceptor : state_->acceptors) {
    auto accepting = [state = state_, &acceptor = *acceptor] { return state->accept(acceptor); };
    asio::co_spawn(acceptor->get_executor(), std::move(accepting), asio::detached);
  }
  return {};
}

std::vector<tcp::endpoint> RpcServer::endpoints() const {
  std::vector<tcp::endpoint> list;
  for (const auto& acceptor : state_->acceptors) {
    error_code ignored;
    list.push_back(acceptor->local_endpoint(ignored));
  }
  return list;
}

void RpcServer::set_joining(std::shared_ptr<const peers::Handlers> handlers) {
  const std::lock_guard lock(state_->mutex);
  state_->joining = std::move(handlers);
}

void RpcServer::drop(const core::NodeId& node) {
  const auto theirs = [&node](const State::Entry& entry) {
    return entry.stage == State::Stage::kMember && entry.id == node;
  };
  for (const auto& connection : state_->connections_where(theirs)) {
    state_->refusals.add(Refusal::kRemoved);
    asio::dispatch(connection->executor(), [connection] {
      connection->close({Errc::kForbidden, std::string(tls::describe(Refusal::kRemoved))});
    });
  }
}

RpcServerSnapshot RpcServer::snapshot() const {
  const std::lock_guard lock(state_->mutex);
  const auto count = [this](State::Stage stage) {
    return state_->per_stage[static_cast<std::size_t>(stage)];
  };
  return {.connections = count(State::Stage::kMember) + count(State::Stage::kJoining),
          .handshakes = count(State::Stage::kHandshake),
          .accepted = state_->accepted,
          .calls = state_->calls,
          .refusals = state_->refusals.snapshot()};
}

core::Task<void> RpcServer::stop(std::chrono::milliseconds patience) {
  const auto state = state_;
  state->stopping = true;
  state->close_acceptors();
  state->on_each_strand([](ServerConnection& connection) { connection.finish(); });
  const bool finished = co_await state->empty_by(std::chrono::steady_clock::now() + patience);
  if (finished) co_return;
  state->on_each_strand([](ServerConnection& connection) {
    connection.close({Errc::kUnavailable, "this node stops"});
  });
  co_await state->empty_by(std::chrono::steady_clock::time_point::max());
}

}  // namespace kadenza::distributed::rpc
