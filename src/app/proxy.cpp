// SPDX-License-Identifier: AGPL-3.0-or-later
#include "app/proxy.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "app/logging.hpp"
#include "middleware/proxy/proxy.hpp"

namespace kadenza::app {

namespace asio = boost::asio;

int proxy(const interface::ProxyOptions& options) {
  set_up_logging(options.log_level, options.log_format);
  std::signal(SIGPIPE, SIG_IGN);
  asio::io_context loop(1);
  middleware::Proxy proxy(loop.get_executor(),
                          {.servers = options.servers,
                           .http = {.authorities = options.authorities, .timeouts = {}},
                           .memory = middleware::NodeMemory::of_user(),
                           .upload_limit = options.upload_limit},
                          spdlog::default_logger());
  if (auto started = proxy.start(options.listen.host, options.listen.port); !started) {
    fmt::print(stderr, "kadenza: the proxy cannot start: {}\n", started.error().detail);
    return EXIT_FAILURE;
  }
  fmt::print("Kadenza's proxy is ready: give apps the address {}\n", proxy.url());
  std::fflush(stdout);

  asio::signal_set signals(loop, SIGINT, SIGTERM);
  signals.async_wait([&](const boost::system::error_code& error, int) {
    if (error) return;
    signals.clear();  // the next signal is the system's own again
    spdlog::info("stopping: requests under way may finish");
    asio::co_spawn(loop, proxy.stop(), [&](const std::exception_ptr& thrown) {
      loop.stop();
      if (thrown) std::rethrow_exception(thrown);
    });
  });
  loop.run();
  spdlog::info("stopped");
  return EXIT_SUCCESS;
}

}  // namespace kadenza::app
