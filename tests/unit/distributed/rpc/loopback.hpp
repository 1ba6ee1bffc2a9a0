// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include "distributed/identity/node_key.hpp"
#include "distributed/rpc/kademlia_driver.hpp"

namespace kadenza::distributed::rpc::testing {

using namespace std::chrono_literals;
using Driver = std::shared_ptr<KademliaDriver>;

/// Real nodes on this machine, each with its socket, on two threads.
class Loopback {
 public:
  Loopback() {
    for (int i = 0; i < 2; ++i) {
      threads_.emplace_back([this] { io_.run(); });
    }
  }
  ~Loopback() {
    for (const Driver& driver : drivers_) stop(driver);
    drivers_.clear();
    work_.reset();
    for (std::thread& thread : threads_) thread.join();
  }

  KademliaDriver::Options options(const char* address = "127.0.0.1") {
    KademliaDriver::Options options;
    options.id = identity::NodeKey::generate()->id();
    options.keys = ring;
    options.listen = {boost::asio::ip::make_address(address), free_port(address)};
    if (!drivers_.empty()) options.seeds.push_back(drivers_.front()->local());
    return options;
  }

  Driver add(KademliaDriver::Options options) {
    auto driver = KademliaDriver::open(io_.get_executor(), pool_.get_executor(), clock_, std::move(options));
    EXPECT_TRUE(driver) << driver.error().detail;
    (*driver)->start();
    drivers_.push_back(*driver);
    return *driver;
  }
  Driver add() { return add(options()); }

  void stop(const Driver& driver) { wait(driver->stop()); }

  NetworkSnapshot snapshot(const Driver& driver) {
    return boost::asio::co_spawn(io_, driver->snapshot(), boost::asio::use_future).get();
  }
  core::Result<kademlia::LookupResult> look_up(const Driver& driver, const kademlia::Key& key,
                                               kademlia::LookupGoal goal = kademlia::LookupGoal::nearest(),
                                               core::Duration patience = 10s) {
    auto work = driver->lookup(key, goal, clock_.now() + patience);
    return boost::asio::co_spawn(io_, std::move(work), boost::asio::use_future).get();
  }
  void wait(core::Task<void> task) {
    boost::asio::co_spawn(io_, std::move(task), boost::asio::use_future).get();
  }

  /// Waits until the condition holds, for at most ten seconds.
  static ::testing::AssertionResult eventually(const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + 10s;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end)
        return ::testing::AssertionFailure() << "not within ten seconds";
      std::this_thread::sleep_for(2ms);
    }
    return ::testing::AssertionSuccess();
  }

  static std::size_t contacts(const NetworkSnapshot& view) {
    std::size_t count = 0;
    for (const auto& bucket : view.buckets) count += bucket.contacts.size();
    return count;
  }

  const std::vector<Driver>& drivers() const { return drivers_; }
  boost::asio::io_context& io() { return io_; }
  const core::Clock& clock() const { return clock_; }
  identity::KeyRing ring{{identity::ClusterKey::generate()}};

 private:
  /// Below the ephemeral ports, and free a moment ago.
  std::uint16_t free_port(const char* address) {
    for (;;) {
      const auto port = static_cast<std::uint16_t>(20'000 + (random_.next() % 12'000));
      boost::system::error_code error;
      boost::asio::ip::udp::socket probe(io_);
      const boost::asio::ip::udp::endpoint wanted(boost::asio::ip::make_address(address), port);
      probe.open(wanted.protocol(), error);
      if (!error) probe.bind(wanted, error);
      if (!error) return port;
    }
  }

  boost::asio::io_context io_{2};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};
  boost::asio::thread_pool pool_{1};
  core::SystemClock clock_;
  SecureRandom random_;
  std::vector<Driver> drivers_;
  std::vector<std::thread> threads_;
};

}  // namespace kadenza::distributed::rpc::testing
