// SPDX-License-Identifier: AGPL-3.0-or-later
// A node that does lookups among nodes of other processes, and says how long they took. It joins, waits until
// it knows CONTACTS others, and then, for each line "read COUNT" or "nearest COUNT" on standard input, makes
// that many lookups one after the other and writes {"p50_ms","p99_ms","max_ms","per_second","failed"}. Usage:
// kademlia_client KEY_FILE SEED_ENDPOINT CONTACTS
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include <boost/asio.hpp>
#include <fmt/core.h>

#include "distributed/identity/cluster_keys.hpp"
#include "distributed/identity/node_key.hpp"
#include "distributed/rpc/kademlia_driver.hpp"

namespace {

using namespace kadenza;
using namespace std::chrono_literals;
using distributed::kademlia::LookupGoal;
using distributed::rpc::KademliaDriver;
namespace asio = boost::asio;

template <class T>
T checked(core::Result<T> result) {
  if (result) return std::move(*result);
  fmt::print(stderr, "{}\n", result.error().detail);
  std::exit(1);
}

core::Task<void> until_known(KademliaDriver& driver, std::size_t wanted) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  for (std::size_t known = 0; known < wanted;) {
    const auto seen = co_await driver.snapshot();
    known = 0;
    for (const auto& bucket : seen.buckets) known += bucket.contacts.size();
    timer.expires_after(20ms);
    co_await timer.async_wait(asio::use_awaitable);
  }
}

core::Task<std::string> measure(KademliaDriver& driver, LookupGoal goal, int count) {
  const core::SystemClock clock;
  distributed::rpc::SecureRandom random;
  std::vector<double> ms;
  int failed = 0;
  const core::Instant start = clock.now();
  for (int i = 0; i < count; ++i) {
    const auto key = distributed::kademlia::random_key(random);
    const core::Instant before = clock.now();
    const auto found = co_await driver.lookup(key, goal, before + 5s);
    ms.push_back(std::chrono::duration<double, std::milli>(clock.now() - before).count());
    if (!found || found->contacts.empty()) ++failed;
  }
  const double seconds = std::chrono::duration<double>(clock.now() - start).count();
  std::sort(ms.begin(), ms.end());
  co_return fmt::format(
      R"({{"p50_ms":{:.3f},"p99_ms":{:.3f},"max_ms":{:.3f},"per_second":{:.0f},"failed":{}}})",
      ms[ms.size() / 2], ms[ms.size() * 99 / 100], ms.back(), count / seconds, failed);
}

core::Task<void> serve_commands(std::shared_ptr<KademliaDriver> driver, std::size_t contacts) {
  co_await until_known(*driver, contacts);
  std::cout << "ready" << std::endl;
  asio::posix::stream_descriptor input(co_await asio::this_coro::executor, 0);
  std::string text;
  boost::system::error_code end;
  for (;;) {
    const auto length = co_await asio::async_read_until(input, asio::dynamic_buffer(text), '\n',
                                                        asio::redirect_error(asio::use_awaitable, end));
    if (end) break;
    std::istringstream line(text.substr(0, length));
    text.erase(0, length);
    std::string kind;
    int count = 1;
    line >> kind >> count;
    const LookupGoal goal = kind == "read" ? LookupGoal::read() : LookupGoal::nearest();
    const std::string report = co_await measure(*driver, goal, std::max(count, 1));
    std::cout << report << std::endl;
  }
  co_await driver->stop();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    fmt::print(stderr, "usage: kademlia_client KEY_FILE SEED_ENDPOINT CONTACTS\n");
    return 2;
  }
  asio::io_context io(1);
  asio::thread_pool pool(1);
  const core::SystemClock clock;
  KademliaDriver::Options options;
  options.id = checked(distributed::identity::NodeKey::generate()).id();
  options.keys = checked(distributed::identity::ClusterKeys::load(argv[1])).cluster;
  options.listen = {asio::ip::make_address("127.0.0.1"), 0};
  options.seeds.push_back(distributed::kademlia::Endpoint::parse(argv[2]).value());
  auto driver =
      checked(KademliaDriver::open(io.get_executor(), pool.get_executor(), clock, std::move(options)));
  driver->start();
  asio::co_spawn(io, serve_commands(driver, static_cast<std::size_t>(std::atoi(argv[3]))), asio::detached);
  io.run();
}
