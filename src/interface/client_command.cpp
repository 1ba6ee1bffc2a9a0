// SPDX-License-Identifier: AGPL-3.0-or-later
#include "interface/client_command.hpp"

#include <algorithm>
#include <csignal>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "middleware/discovery.hpp"
#include "middleware/node_memory.hpp"

namespace kadenza::interface {
namespace {

namespace asio = boost::asio;

core::Result<void> result_of(std::exception_ptr thrown, core::Result<void> result) {
  if (!thrown) return result;
  try {
    std::rethrow_exception(thrown);
  } catch (const boost::system::system_error& error) {
    if (error.code() == asio::error::operation_aborted) return core::fail(core::Errc::kCancelled);
    return core::fail(core::Errc::kInternal, error.what());
  } catch (const std::exception& error) {
    return core::fail(core::Errc::kInternal, error.what());
  }
}

/// The log-ins that were kept for nodes which the person did not name this time.
void add_log_ins(middleware::NodeBook& book, const middleware::TokenStore& tokens) {
  for (std::size_t i = book.given(); i < book.nodes().size(); ++i) {
    if (auto token = tokens.load(book[i].endpoint)) book.set_token(i, std::move(*token));
  }
}

using Body = std::function<core::Task<core::Result<void>>(middleware::Client&)>;

/// Runs the command with all nodes that are remembered. If that is long ago, or a node was down, it is asked
/// afterwards which nodes there are now, for the next time: the answer never waits for that.
core::Task<core::Result<void>> run_and_remember(middleware::Client& client,
                                                const middleware::TokenStore& tokens, Body body) {
  constexpr std::chrono::milliseconds kProbeLimit{500};
  const core::SystemClock clock;
  const auto memory = middleware::NodeMemory::of_user();
  middleware::NodeBook& book = client.nodes().book();
  const bool fresh = memory.recall(book, clock.wall_now());
  add_log_ins(book, tokens);
  core::Result<void> result = co_await body(client);
  const bool troubled = std::ranges::any_of(book.nodes(), [](const auto& node) { return node.failures > 0; });
  if (!result || (fresh && !troubled)) co_return result;
  const auto lesson = co_await middleware::learn_nodes(client.nodes());
  if (!lesson) co_return result;
  if (!lesson->nodes.empty()) co_await middleware::probe_nodes(client.nodes(), kProbeLimit);
  (void)memory.keep(*lesson, book, clock.wall_now());  // a full disk does not make the command fail
  co_return result;
}

}  // namespace

core::Result<std::vector<middleware::Server>> known_servers(const ClientOptions& options,
                                                            const middleware::TokenStore& tokens) {
  KADENZA_TRY(std::vector<middleware::Endpoint> endpoints, options.endpoints());
  std::vector<middleware::Server> servers;
  for (middleware::Endpoint& endpoint : endpoints) {
    std::string token = tokens.load(endpoint).value_or("");
    servers.push_back({std::move(endpoint), std::move(token)});
  }
  return servers;
}

core::Result<void> run_client(const ClientOptions& options, const middleware::TokenStore& tokens,
                              std::function<core::Task<core::Result<void>>(middleware::Client&)> body) {
  KADENZA_TRY(std::vector<middleware::Server> servers, known_servers(options, tokens));
  middleware::HttpClient::Config config;
  if (!options.authorities.empty()) config.authorities = options.authorities;
  asio::io_context io(1);
  middleware::Client client(std::move(servers), std::move(config));

  asio::cancellation_signal stop;
  bool stopped = false;
  asio::signal_set signals(io, SIGINT, SIGTERM);
  signals.async_wait([&](const boost::system::error_code& error, int) {
    if (error) return;
    stopped = true;
    stop.emit(asio::cancellation_type::terminal);
    signals.clear();  // the next signal is the system's own again
  });

  core::Result<void> result;
  asio::co_spawn(
      io, run_and_remember(client, tokens, std::move(body)),
      asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr thrown, core::Result<void> ended) {
        result = result_of(thrown, std::move(ended));
        io.stop();  // whatever is under way was given up
      }));
  io.run();
  if (stopped) return core::fail(core::Errc::kCancelled);
  return result;
}

}  // namespace kadenza::interface
