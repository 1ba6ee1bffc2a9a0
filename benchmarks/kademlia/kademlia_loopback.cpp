// SPDX-License-Identifier: AGPL-3.0-or-later
// Real nodes on loopback in one process: lookups while all live, then right after a quarter of them died,
// half by closing their port (the machine says so), half by silence (the port stays open, nobody reads).
// Usage: kademlia_loopback [NODES] [LOOKUPS]
#include <algorithm>
#include <cstdlib>
#include <future>
#include <thread>
#include <vector>

#include <boost/asio.hpp>
#include <fmt/core.h>

#include "distributed/identity/node_key.hpp"
#include "distributed/rpc/kademlia_driver.hpp"

namespace {

using namespace kadenza;
using namespace std::chrono_literals;
using distributed::kademlia::LookupGoal;
using distributed::rpc::KademliaDriver;
namespace asio = boost::asio;
using Driver = std::shared_ptr<KademliaDriver>;

struct Bench {
  asio::io_context io{2};
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  asio::thread_pool pool{1};
  core::SystemClock clock;
  distributed::rpc::SecureRandom random;
  std::vector<Driver> drivers;

  void start(int nodes) {
    const distributed::identity::KeyRing ring{{distributed::identity::ClusterKey::generate()}};
    for (int i = 0; i < nodes; ++i) {
      KademliaDriver::Options options;
      options.id = distributed::identity::NodeKey::generate()->id();
      options.keys = ring;
      options.listen = {asio::ip::make_address("127.0.0.1"), static_cast<std::uint16_t>(21'000 + i)};
      if (i > 0) options.seeds.push_back(drivers.front()->local());
      auto driver = KademliaDriver::open(io.get_executor(), pool.get_executor(), clock, options);
      if (!driver) {
        fmt::print(stderr, "{}\n", driver.error().detail);
        std::exit(1);
      }
      (*driver)->start();
      drivers.push_back(*driver);
    }
  }

  core::Task<void> client(std::vector<double>& ms, int& failed, LookupGoal goal, int count,
                          std::size_t alive) {
    for (int i = 0; i < count; ++i) {
      const Driver driver = drivers[random.below(alive)];
      const auto key = distributed::kademlia::random_key(random);
      const core::Instant before = clock.now();
      const auto found = co_await driver->lookup(key, goal, before + 5s);
      ms.push_back(std::chrono::duration<double, std::milli>(clock.now() - before).count());
      if (!found || found->contacts.empty()) ++failed;
    }
  }

  void measure(const char* name, LookupGoal goal, int count, int parallel, std::size_t alive) {
    std::vector<double> ms;
    int failed = 0;
    std::vector<std::future<void>> clients;
    const asio::strand<asio::any_io_executor> strand(io.get_executor());
    const core::Instant before = clock.now();
    for (int i = 0; i < parallel; ++i) {
      clients.push_back(
          asio::co_spawn(strand, client(ms, failed, goal, count / parallel, alive), asio::use_future));
    }
    for (auto& done : clients) done.get();
    const double seconds = std::chrono::duration<double>(clock.now() - before).count();
    std::sort(ms.begin(), ms.end());
    fmt::print("{:38} p50 {:8.3f} ms  p99 {:8.3f} ms  max {:8.3f} ms  {:7.0f}/s  failed {}\n", name,
               ms[ms.size() / 2], ms[ms.size() * 99 / 100], ms.back(),
               static_cast<double>(ms.size()) / seconds, failed);
  }
};

}  // namespace

int main(int argc, char** argv) {
  const int nodes = argc > 1 ? std::atoi(argv[1]) : 64;
  const int count = argc > 2 ? std::atoi(argv[2]) : 4000;
  Bench bench;
  std::thread first([&] { bench.io.run(); });
  std::thread second([&] { bench.io.run(); });
  bench.start(nodes);
  std::this_thread::sleep_for(8s);  // joining, and trying what was heard of
  const auto all = static_cast<std::size_t>(nodes);
  bench.measure("healthy, enough for a read", LookupGoal::read(), count, 1, all);
  bench.measure("healthy, nearest 20", LookupGoal::nearest(), count, 1, all);
  bench.measure("healthy, nearest 20, 16 at once", LookupGoal::nearest(), count, 16, all);

  const std::size_t alive = all - all / 4;
  std::vector<asio::ip::udp::socket> mute;
  for (std::size_t i = alive; i < all; ++i) {
    const auto endpoint = distributed::rpc::to_asio(bench.drivers[i]->local());
    asio::co_spawn(bench.io, bench.drivers[i]->stop(), asio::use_future).get();
    if (i % 2 == 0) mute.emplace_back(bench.io, endpoint);
  }
  bench.measure("a quarter just died, enough for a read", LookupGoal::read(), count, 1, alive);
  bench.measure("a quarter died, nearest 20", LookupGoal::nearest(), count, 1, alive);
  for (std::size_t i = 0; i < alive; ++i) {
    asio::co_spawn(bench.io, bench.drivers[i]->stop(), asio::use_future).get();
  }
  bench.drivers.clear();
  bench.work.reset();
  first.join();
  second.join();
}
