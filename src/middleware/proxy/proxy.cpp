// SPDX-License-Identifier: AGPL-3.0-or-later
#include "middleware/proxy/proxy.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <spdlog/logger.h>

#include "middleware/discovery.hpp"

namespace kadenza::middleware {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds kProbeEvery{2};
constexpr std::chrono::milliseconds kProbeLimit{1000};
constexpr unsigned kProbesPerLesson = 15;
constexpr std::chrono::seconds kShutdown{10};
constexpr std::chrono::milliseconds kPauseWithoutDescriptors{100};

std::string name_of_proxy(core::Random& random) {
  return fmt::format("kadenza-proxy-{:016x}", random.below(~std::uint64_t{0}));
}

}  // namespace

Proxy::Proxy(asio::any_io_executor executor, Config config, std::shared_ptr<spdlog::logger> log)
    : executor_(std::move(executor)),
      log_(std::move(log)),
      nodes_(std::move(config.servers), std::move(config.http)),
      memory_(std::move(config.memory)),
      shared_{.nodes = nodes_,
              .log = *log_,
              .name = name_of_proxy(nodes_.random()),
              .upload_limit = config.upload_limit,
              .spools = {kSpoolBytesMax},
              .authorization = {}},
      acceptor_(executor_),
      one_ended_(executor_),
      background_(executor_) {}

core::Result<void> Proxy::start(const std::string& address, std::uint16_t port) {
  boost::system::error_code error;
  const auto host = asio::ip::make_address(address, error);
  const tcp::endpoint endpoint(host, port);
  if (!error) acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    return core::fail(core::Errc::kUnavailable,
                      fmt::format("Cannot listen on {}:{}: {}. Choose another port with --listen.", address,
                                  port, error.message()));
  }
  memory_.recall(nodes_.book(), core::SystemClock().wall_now());
  background_.spawn([this] { return accept_all(); });
  background_.spawn([this] { return keep_up(); });
  return {};
}

std::string Proxy::url() const {
  const tcp::endpoint endpoint = acceptor_.local_endpoint();
  return Endpoint{.tls = false, .host = endpoint.address().to_string(), .port = endpoint.port(), .prefix = {}}
      .url();
}

void Proxy::serve(tcp::socket socket) {
  const auto connection = std::make_shared<AppConnection>(std::move(socket), shared_);
  connections_.insert(connection);
  auto ended = [this, connection](const std::exception_ptr& thrown) {
    connections_.erase(connection);
    one_ended_.cancel();
    if (thrown) std::rethrow_exception(thrown);
  };
  const auto slot = connection->cancellation();
  asio::co_spawn(executor_, connection->run(), asio::bind_cancellation_slot(slot, std::move(ended)));
}

core::Task<void> Proxy::accept_all() {
  while (true) {
    if (connections_.size() >= kConnectionsMax) {
      one_ended_.expires_at(asio::steady_timer::time_point::max());
      co_await one_ended_.async_wait(kTuple);
      continue;
    }
    auto [error, socket] = co_await acceptor_.async_accept(kTuple);
    if (error == asio::error::operation_aborted || !acceptor_.is_open()) co_return;
    if (error) {
      log_->warn("an app's connection could not be accepted: {}", error.message());
      asio::steady_timer pause(executor_, kPauseWithoutDescriptors);
      co_await pause.async_wait(asio::use_awaitable);
      continue;
    }
    serve(std::move(socket));
  }
}

core::Task<void> Proxy::learn() {
  const std::size_t before = nodes_.book().nodes().size();
  tried_ = shared_.authorization;
  auto lesson = co_await learn_nodes(nodes_);
  if (!lesson && !shared_.authorization.empty()) lesson = co_await learn_nodes(nodes_, shared_.authorization);
  if (!lesson) co_return;
  (void)memory_.keep(*lesson, nodes_.book(), core::SystemClock().wall_now());
  const auto& known = nodes_.book().nodes();
  for (std::size_t i = before; i < known.size(); ++i)
    log_->info("a further node: {}", known[i].endpoint.url());
}

void Proxy::tell_changes() {
  const auto& known = nodes_.book().nodes();
  well_.resize(known.size(), true);
  for (std::size_t i = 0; i < known.size(); ++i) {
    const bool well = known[i].failures == 0;
    if (well == well_[i]) continue;
    well_[i] = well;
    if (well) {
      log_->info("{} answers again", known[i].endpoint.url());
    } else {
      log_->warn("{} does not answer", known[i].endpoint.url());
    }
  }
}

core::Task<void> Proxy::keep_up() {
  asio::steady_timer timer(executor_);
  for (unsigned round = 0;; ++round) {
    const bool alone = nodes_.book().nodes().size() == 1;
    const bool new_log_in = alone && tried_ != shared_.authorization;
    if (round % kProbesPerLesson == 0 || new_log_in) co_await learn();
    if (!alone) co_await probe_nodes(nodes_, kProbeLimit);
    tell_changes();
    timer.expires_after(kProbeEvery);
    co_await timer.async_wait(asio::use_awaitable);
  }
}

core::Task<void> Proxy::stop() {
  shared_.stopping = true;
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  co_await background_.stop();
  for (const auto& connection : connections_) connection->stop_soon();
  const auto latest = std::chrono::steady_clock::now() + kShutdown;
  while (!connections_.empty() && std::chrono::steady_clock::now() < latest) {
    one_ended_.expires_at(latest);
    co_await one_ended_.async_wait(kTuple);
  }
  for (const auto& connection : connections_) connection->abort();  // ends it later, not here
  while (!connections_.empty()) {
    one_ended_.expires_at(asio::steady_timer::time_point::max());
    co_await one_ended_.async_wait(kTuple);
  }
}

}  // namespace kadenza::middleware
