// SPDX-License-Identifier: AGPL-3.0-or-later
#include "interface/client_command.hpp"

#include <csignal>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

namespace kadenza::interface {
namespace {

namespace asio = boost::asio;

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

}  // namespace

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
      io, body(client),
      asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr thrown, core::Result<void> ended) {
        result = result_of(thrown, std::move(ended));
        signals.cancel();
      }));
  io.run();
  if (stopped) return core::fail(core::Errc::kCancelled);
  return result;
}

}  // namespace kadenza::interface
