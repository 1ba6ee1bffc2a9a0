// SPDX-License-Identifier: AGPL-3.0-or-later
#include "app/serve.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <malloc.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/logging.hpp"
#include "app/node.hpp"

namespace kadenza::app {
namespace {

/// One descriptor for each listener and file: as many as the machine's owner allows.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

void announce(Node& node, const std::filesystem::path& data) {
  const auto urls = node.urls();
  const auto public_urls = node.public_urls();
  for (const auto& url : public_urls) fmt::print("Kadenza is ready at {}\n", url);
  if (public_urls != urls) fmt::print("It listens at {}\n", fmt::join(urls, ", "));
  if (const auto endpoint = node.network_endpoint())
    fmt::print("Other nodes reach it at {} (UDP and TCP)\n", *endpoint);
  if (node.began_cluster()) {
    fmt::print("It begins a new cluster; each further node needs a token: kadenza cluster invite --data {}\n",
               data.string());
  }
  if (const auto password = node.take_generated_password()) {
    fmt::print("First start: log in as admin with the password {} (it is not shown again).\n", *password);
  }
  std::fflush(stdout);
}

/// Waits for the end: SIGTERM or SIGINT stops the node in order, a second one at once; SIGHUP reads the
/// certificate again.
void wait_for_signals(Node& node) {
  boost::asio::io_context loop;
  boost::asio::signal_set signals(loop, SIGINT, SIGTERM, SIGHUP);
  std::function<void()> next = [&] {
    signals.async_wait([&](const boost::system::error_code& error, int signal) {
      if (error) return;
      if (signal != SIGHUP) return;
      if (auto reloaded = node.reload_certificate(); reloaded) {
        spdlog::info("the certificate was read again");
      } else {
        spdlog::error("the old certificate stays in use: {}", reloaded.error().detail);
      }
      next();
    });
  };
  next();
  loop.run();
}

/// For a program of a few threads that passes on pieces of a megabyte. By default glibc has 8 arenas a core,
/// each of which keeps what was freed in it, and gives a piece's memory back when it is freed, so that the
/// next one is taken anew, page fault by page fault.
void tune_allocator() {
  ::mallopt(M_ARENA_MAX, 2);
  ::mallopt(M_MMAP_THRESHOLD, 4 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 16 << 20);
}

}  // namespace

int serve(const interface::ServeOptions& options) {
  set_up_logging(options.log_level, options.log_format);
  std::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  tune_allocator();

  // There is one way out: the one by which its owner ends it, too.
  auto node = Node::start(options, [] { ::kill(::getpid(), SIGTERM); });
  if (!node) {
    fmt::print(stderr, "kadenza: the node cannot start: {}\n", node.error().detail);
    return EXIT_FAILURE;
  }
  announce(**node, options.data);
  wait_for_signals(**node);
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  spdlog::info("stopping: requests under way may finish");
  (*node)->stop();
  spdlog::info("stopped");
  return EXIT_SUCCESS;
}

}  // namespace kadenza::app
