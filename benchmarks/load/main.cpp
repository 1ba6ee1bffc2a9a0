// SPDX-License-Identifier: AGPL-3.0-or-later
// The client of the measurements: many connections on one thread, large reads, plain or TLS 1.3, so that the
// server is what is measured. Prints one JSON object.

#include <array>
#include <fstream>
#include <memory>
#include <random>
#include <thread>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "connection.hpp"
#include "report.hpp"

namespace kadenza::benchmarks::load {
namespace {

constexpr std::size_t kReadBytes = 512 * 1024;

struct Options {
  std::string url, path_file;
  std::vector<std::string> paths, headers;
  unsigned connections = 1;
  double seconds = 2;
  bool fresh = false;
  std::uint64_t slow_rate = 0;
};

std::vector<std::string> read_lines(const std::string& file) {
  std::ifstream input(file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(input, line);) lines.push_back(line);
  return lines;
}

/// The bytes of a request for each path.
std::vector<std::string> make_requests(const Options& options, const Server& server) {
  auto paths = options.paths;
  if (!options.path_file.empty()) paths = read_lines(options.path_file);
  if (paths.empty()) throw Failure("no path to ask for");
  std::vector<std::string> requests;
  for (const auto& path : paths) {
    auto request = fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\n", path, server.host);
    for (const auto& header : options.headers) request += header + "\r\n";
    if (options.fresh) request += "Connection: close\r\n";
    requests.push_back(request + "\r\n");
  }
  return requests;
}

double microseconds(Clock::duration duration) {
  return std::chrono::duration<double, std::micro>(duration).count();
}

/// All connections ask as fast as they are answered.
class FastRun {
 public:
  FastRun(const Options& options, const Server& server)
      : options_(options), requests_(make_requests(options, server)), poll_(::epoll_create1(EPOLL_CLOEXEC)) {
    for (unsigned n = 0; n < options.connections; ++n) {
      connections_.push_back(std::make_unique<Connection>(server));
      begin(*connections_.back(), true);
    }
  }
  FastRun(const FastRun&) = delete;
  FastRun& operator=(const FastRun&) = delete;
  ~FastRun() { ::close(poll_); }

  Report run() {
    const auto begin_time = Clock::now();
    const auto end = begin_time + std::chrono::duration<double>(options_.seconds);
    std::array<epoll_event, 256> events{};
    while (Clock::now() < end) {
      const int count = ::epoll_wait(poll_, events.data(), events.size(), 10'000);
      if (count == 0) throw Failure("no byte for 10 s");
      for (int n = 0; n < count; ++n)
        serve(*static_cast<Connection*>(events[static_cast<std::size_t>(n)].data.ptr));
    }
    for (const auto& connection : connections_) report_.bytes += connection->answer().bytes;
    report_.seconds = std::chrono::duration<double>(Clock::now() - begin_time).count();
    return std::move(report_);
  }

 private:
  void begin(Connection& connection, bool opened) {
    if (opened) {
      epoll_event event{};
      event.events = EPOLLIN | EPOLLOUT | EPOLLET;
      event.data.ptr = &connection;
      ::epoll_ctl(poll_, EPOLL_CTL_ADD, connection.descriptor(), &event);
    }
    connection.request(requests_[pick_(random_) % requests_.size()]);
  }

  /// Edge-triggered: goes on until nothing is left to read.
  void serve(Connection& connection) {
    while (connection.go_on(buffer_)) {
      const auto now = Clock::now();
      report_.latencies.push_back(microseconds(now - connection.started()));
      report_.first_bytes.push_back(microseconds(*connection.first_byte() - connection.started()));
      report_.bytes += connection.answer().bytes;
      if (options_.fresh) {
        connection.close();
        connection.open();
      }
      begin(connection, options_.fresh);
    }
  }

  const Options& options_;
  std::vector<std::string> requests_;
  int poll_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<char> buffer_ = std::vector<char>(kReadBytes);
  std::mt19937_64 random_{42};
  std::uniform_int_distribution<std::size_t> pick_;
  Report report_;
};

/// Each connection reads at a listener's pace and begins again when a song has ended.
Report slow_run(const Options& options, const Server& server) {
  constexpr auto kTick = std::chrono::milliseconds(100);
  const auto requests = make_requests(options, server);
  std::vector<std::unique_ptr<Connection>> connections;
  std::vector<char> buffer(kReadBytes);
  Report report;
  for (unsigned n = 0; n < options.connections; ++n) {
    connections.push_back(std::make_unique<Connection>(server));
    connections.back()->request(requests[n % requests.size()]);
  }
  const auto begin = Clock::now();
  const auto end = begin + std::chrono::duration<double>(options.seconds);
  const std::uint64_t budget = options.slow_rate / 10;
  for (auto next = begin; Clock::now() < end; next += kTick) {
    for (std::size_t n = 0; n < connections.size(); ++n) {
      const auto before = connections[n]->answer().bytes;
      const bool complete = connections[n]->go_on(buffer, budget);
      report.bytes += connections[n]->answer().bytes - before;
      if (complete) connections[n]->request(requests[n % requests.size()]);
    }
    std::this_thread::sleep_until(next + kTick);
  }
  for (const auto& connection : connections)
    if (connection->first_byte())
      report.first_bytes.push_back(microseconds(*connection->first_byte() - connection->started()));
  report.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  return report;
}

int run(int argc, char** argv) {
  CLI::App app("Measures an HTTP server and prints one JSON object.");
  Options options;
  app.add_option("--url", options.url, "http://ADDRESS:PORT or https://ADDRESS:PORT")->required();
  app.add_option("--path", options.paths, "what to ask for; several: one at random for each request");
  app.add_option("--path-file", options.path_file, "paths, one a line");
  app.add_option("--header", options.headers, "sent with each request");
  app.add_option("--connections", options.connections, "at once");
  app.add_option("--seconds", options.seconds, "how long");
  app.add_flag("--fresh", options.fresh, "a new connection for each request");
  app.add_option("--slow", options.slow_rate,
                 "bytes a second that each connection reads; 0: as fast as it can");
  CLI11_PARSE(app, argc, argv);
  try {
    const auto server = Server::parse(options.url);
    auto report = options.slow_rate > 0 ? slow_run(options, server) : FastRun(options, server).run();
    fmt::print("{}\n", report.to_json());
    return 0;
  } catch (const Failure& failure) {
    fmt::print(stderr, "kadenza-load: {}\n", failure.what());
    return 1;
  }
}

}  // namespace
}  // namespace kadenza::benchmarks::load

int main(int argc, char** argv) {
  return kadenza::benchmarks::load::run(argc, argv);
}
