// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "core/accounts.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/music_library.hpp"
#include "core/network.hpp"
#include "core/task.hpp"
#include "views/http_options.hpp"
#include "views/site.hpp"

namespace prometheus {
class Registry;
}

namespace spdlog {
class logger;
}

namespace kadenza::views {

/// What the server speaks to. The references outlive the server and every thread of its executor.
struct HttpDependencies {
  core::MusicLibrary& library;
  core::Accounts& accounts;
  const core::Clock& clock;
  std::shared_ptr<prometheus::Registry> metrics;  ///< shared with whoever else measures; never null
  std::shared_ptr<spdlog::logger> access_log;     ///< one line a request, tokens redacted; null = none
  core::Network* network = nullptr;               ///< null = this node is alone
  Site site;                                      ///< the web player; empty = none
  /// The authority that listeners install, in PEM form, for GET /ca.pem; null or empty text = none.
  std::function<std::string()> web_authority;
};

/// An address that really is listened on (`port` is never 0), and its URL without a path.
struct BoundAddress {
  std::string host;
  std::uint16_t port = 0;
  bool tls = false;

  std::string url() const;  ///< "http://127.0.0.1:4747", "https://[::1]:4747"
};

/// The HTTP side of a node: REST under /api/v1 (docs/openapi.yaml), health, metrics and the web player. One
/// coroutine on a strand of its own for each connection; `executor` is an io_context's, run by any number of
/// threads, and must be run until stop() has answered. All members are thread-safe.
class HttpServer {
 public:
  HttpServer(boost::asio::any_io_executor executor, HttpDependencies dependencies, HttpOptions options);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  /// Nothing of the server may be running any more: stop() has answered, or its io_context is stopped.
  ~HttpServer();

  /// Binds and starts to accept. On an error (address in use, bad certificate) nothing is left open.
  core::Result<void> start();
  std::vector<BoundAddress> addresses() const;

  /// What /readyz says; HttpOptions::ready from start() on unless set otherwise, false once stop() began.
  void set_ready(bool ready);

  /// Reads the certificate and key again; new connections use them. On an error the old ones stay.
  core::Result<void> reload_tls();

  /// Stops accepting, closes idle connections, lets requests under way finish, and cuts off what is left
  /// after HttpTimeouts::shutdown.
  core::Task<void> stop();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace kadenza::views
