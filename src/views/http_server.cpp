// SPDX-License-Identifier: AGPL-3.0-or-later
#include "views/http_server.hpp"

#include <csignal>
#include <map>
#include <mutex>
#include <unordered_map>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "views/connection.hpp"
#include "views/tls_context.hpp"

namespace kadenza::views {

namespace asio = boost::asio;
using asio::ip::tcp;
using core::Errc;
using core::fail;

namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr auto kAcceptBackOff = std::chrono::milliseconds(100);
constexpr auto kStopPoll = std::chrono::milliseconds(10);

std::string too_many_connections() {
  constexpr std::string_view kBody =
      R"({"type":"urn:kadenza:problem:unavailable","title":"Too many connections","status":503,)"
      R"("detail":"Too many connections are open; try again in a moment.","code":"unavailable"})";
  return fmt::format(
      "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nRetry-After: 5\r\n"
      "Connection: close\r\nContent-Length: {}\r\n\r\n{}",
      kBody.size(), kBody);
}

struct Acceptor {
  tcp::acceptor acceptor;
  BoundAddress address;
};

core::Error why_not(const ListenAddress& wanted, std::string_view what,
                    const boost::system::error_code& error) {
  return {Errc::kUnavailable, fmt::format("Cannot listen on {} port {}: {}: {}.", wanted.host, wanted.port,
                                          what, error.message())};
}

}  // namespace

std::string BoundAddress::url() const {
  const bool v6 = host.find(':') != std::string::npos;
  return fmt::format("{}://{}{}{}:{}", tls ? "https" : "http", v6 ? "[" : "", host, v6 ? "]" : "", port);
}

struct HttpServer::State : std::enable_shared_from_this<State> {
  State(asio::any_io_executor on, HttpDependencies dependencies, HttpOptions options)
      : executor(std::move(on)),
        environment{.library = dependencies.library,
                    .accounts = dependencies.accounts,
                    .network = dependencies.network,
                    .site = dependencies.site,
                    .web_authority = std::move(dependencies.web_authority),
                    .clock = dependencies.clock,
                    .access_log = std::move(dependencies.access_log),
                    .options = options,
                    .metrics = Metrics(std::move(dependencies.metrics), options.version)} {}

  core::Result<void> listen(const ListenAddress& wanted);
  core::Result<void> listen(const ListenAddress& wanted, tcp::endpoint endpoint);
  core::Task<void> accept(Acceptor& acceptor);
  void serve(tcp::socket socket, bool over_tls);
  /// False over a limit.
  bool admit(const asio::ip::address& peer);
  void leave(const Connection* connection, const asio::ip::address& peer);
  void close_acceptors();
  template <class Do>
  void for_each_connection(Do&& action);
  core::Task<bool> empty_by(std::chrono::steady_clock::time_point deadline);

  asio::any_io_executor executor;
  Environment environment;
  std::vector<std::unique_ptr<Acceptor>> acceptors;  ///< fixed once start() has answered

  std::mutex mutex;  ///< guards what follows
  std::shared_ptr<SSL_CTX> tls;
  std::map<asio::ip::address, std::size_t> per_address;
  std::size_t admitted = 0;
  std::size_t accepting = 0;
  std::unordered_map<const Connection*, std::weak_ptr<Connection>> connections;
};

core::Result<void> HttpServer::State::listen(const ListenAddress& wanted) {
  boost::system::error_code error;
  asio::io_context resolving;
  const auto found = tcp::resolver(resolving).resolve(wanted.host, std::to_string(wanted.port),
                                                      tcp::resolver::passive, error);
  if (error) return std::unexpected(why_not(wanted, "the address is not known", error));
  auto port = wanted.port;
  for (const auto& entry : found) {
    KADENZA_TRY_VOID(listen(wanted, tcp::endpoint(entry.endpoint().address(), port)));
    port = acceptors.back()->address.port;
  }
  return {};
}

core::Result<void> HttpServer::State::listen(const ListenAddress& wanted, tcp::endpoint endpoint) {
  const auto strand = asio::make_strand(executor);
  auto acceptor = std::make_unique<Acceptor>(Acceptor{tcp::acceptor(strand), {}});
  auto& socket = acceptor->acceptor;
  boost::system::error_code error;
  socket.open(endpoint.protocol(), error);
  if (!error) socket.set_option(asio::socket_base::reuse_address(true), error);
  if (!error && endpoint.protocol() == tcp::v6()) socket.set_option(asio::ip::v6_only(true), error);
  if (!error) socket.bind(endpoint, error);
  if (!error) socket.listen(asio::socket_base::max_listen_connections, error);
  if (error) return std::unexpected(why_not(wanted, "the system refuses", error));
  const auto bound = socket.local_endpoint(error);
  acceptor->address = {bound.address().to_string(), bound.port(), wanted.tls};
  acceptors.push_back(std::move(acceptor));
  return {};
}

core::Task<void> HttpServer::State::accept(Acceptor& acceptor) {
  while (!environment.stopping) {
    const auto strand = asio::make_strand(executor);
    auto [error, socket] = co_await acceptor.acceptor.async_accept(strand, kAwait);
    if (!error) {
      serve(std::move(socket), acceptor.address.tls);
    } else if (error == asio::error::operation_aborted || error == asio::error::bad_descriptor) {
      break;
    } else if (error != asio::error::connection_aborted) {  // out of descriptors or memory
      spdlog::warn("accepting on {} failed: {}", acceptor.address.url(), error.message());
      asio::steady_timer timer(acceptor.acceptor.get_executor(), kAcceptBackOff);
      co_await timer.async_wait(kAwait);
    }
  }
  const std::lock_guard lock(mutex);
  --accepting;
}

bool HttpServer::State::admit(const asio::ip::address& peer) {
  const auto& limits = environment.options.limits;
  const std::lock_guard lock(mutex);
  if (environment.stopping || admitted >= limits.connections) return false;
  auto& of_peer = per_address[peer];
  if (of_peer >= limits.connections_per_address) return false;
  ++of_peer;
  ++admitted;
  environment.metrics.connection_opened();
  return true;
}

void HttpServer::State::leave(const Connection* connection, const asio::ip::address& peer) {
  environment.metrics.connection_closed();
  const std::lock_guard lock(mutex);
  connections.erase(connection);
  --admitted;
  const auto found = per_address.find(peer);
  if (--found->second == 0) per_address.erase(found);
}

void HttpServer::State::serve(tcp::socket socket, bool over_tls) {
  boost::system::error_code error;
  const auto peer = socket.remote_endpoint(error);
  if (error) return;
  if (!admit(peer.address())) {
    environment.metrics.connection_refused();
    if (!over_tls) {
      socket.native_non_blocking(true, error);
      socket.send(asio::buffer(too_many_connections()), 0, error);
    }
    return;
  }
  std::shared_ptr<SSL_CTX> context;
  if (over_tls) {
    const std::lock_guard lock(mutex);
    context = tls;
  }
  const auto on = socket.get_executor();
  const auto connection = std::make_shared<Connection>(std::move(socket), peer, context.get(), environment);
  {
    const std::lock_guard lock(mutex);
    connections.emplace(connection.get(), connection);
  }
  auto finished = [self = shared_from_this(), connection,
                   address = peer.address()](const std::exception_ptr& failure) {
    self->leave(connection.get(), address);
    if (failure) std::rethrow_exception(failure);
  };
  asio::co_spawn(on, connection->run(),
                 asio::bind_cancellation_slot(connection->cancellation(), std::move(finished)));
}

void HttpServer::State::close_acceptors() {
  for (auto& acceptor : acceptors)
    asio::post(acceptor->acceptor.get_executor(), [self = shared_from_this(), &acceptor] {
      boost::system::error_code ignored;
      acceptor->acceptor.close(ignored);
    });
}

template <class Do>
void HttpServer::State::for_each_connection(Do&& action) {
  std::vector<std::shared_ptr<Connection>> open;
  {
    const std::lock_guard lock(mutex);
    for (const auto& [raw, connection] : connections)
      if (auto held = connection.lock()) open.push_back(std::move(held));
  }
  for (const auto& connection : open) action(*connection);
}

core::Task<bool> HttpServer::State::empty_by(std::chrono::steady_clock::time_point deadline) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  for (;;) {
    {
      const std::lock_guard lock(mutex);
      if (admitted == 0 && accepting == 0) co_return true;
    }
    if (std::chrono::steady_clock::now() >= deadline) co_return false;
    timer.expires_after(kStopPoll);
    co_await timer.async_wait(kAwait);
  }
}

HttpServer::HttpServer(asio::any_io_executor executor, HttpDependencies dependencies, HttpOptions options)
    : state_(std::make_shared<State>(std::move(executor), std::move(dependencies), std::move(options))) {}

HttpServer::~HttpServer() = default;

core::Result<void> HttpServer::start() {
  std::signal(SIGPIPE, SIG_IGN);  // sendfile and OpenSSL cannot be told MSG_NOSIGNAL
  const auto& options = state_->environment.options;
  KADENZA_TRY_VOID(reload_tls());
  for (const auto& wanted : options.listen) {
    if (wanted.tls && !options.tls)
      return fail(Errc::kInvalidArgument, "A listener with TLS needs a certificate and its key.");
    if (auto listening = state_->listen(wanted); !listening) {
      state_->acceptors.clear();
      return listening;
    }
  }
  state_->environment.ready = options.ready;
  state_->accepting = state_->acceptors.size();
  for (const auto& acceptor : state_->acceptors)
    asio::co_spawn(
        acceptor->acceptor.get_executor(), [state = state_, &acceptor] { return state->accept(*acceptor); },
        asio::detached);
  return {};
}

std::vector<BoundAddress> HttpServer::addresses() const {
  std::vector<BoundAddress> addresses;
  for (const auto& acceptor : state_->acceptors) addresses.push_back(acceptor->address);
  return addresses;
}

void HttpServer::set_ready(bool ready) {
  state_->environment.ready = ready;
}

core::Result<void> HttpServer::reload_tls() {
  const auto& files = state_->environment.options.tls;
  if (!files) return {};
  KADENZA_TRY(auto context, make_tls_context(*files));
  state_->environment.metrics.certificate_read(certificate_end(*context));
  const std::lock_guard lock(state_->mutex);
  state_->tls = std::move(context);
  return {};
}

core::Task<void> HttpServer::stop() {
  const auto state = state_;
  state->environment.stopping = true;
  state->close_acceptors();
  state->for_each_connection([](Connection& connection) { connection.stop_soon(); });
  const auto deadline = std::chrono::steady_clock::now() + state->environment.options.timeouts.shutdown;
  if (co_await state->empty_by(deadline)) co_return;
  state->for_each_connection([](Connection& connection) { connection.abort(); });
  co_await state->empty_by(std::chrono::steady_clock::time_point::max());
}

}  // namespace kadenza::views
