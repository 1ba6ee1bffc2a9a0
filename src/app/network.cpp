// SPDX-License-Identifier: AGPL-3.0-or-later
#include "app/network.hpp"

#include <filesystem>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace kadenza::app {
namespace {

namespace asio = boost::asio;
using asio::ip::udp;
using core::Errc;
using core::fail;
using core::Result;
using distributed::kademlia::Endpoint;
using distributed::rpc::KademliaDriver;

constexpr auto kJoinPoll = std::chrono::milliseconds(20);

std::string written(const interface::ListenAddress& address) {
  const bool v6 = address.host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", v6 ? "[" : "", address.host, v6 ? "]" : "", address.port);
}

/// All addresses of a name. `v6_too`: our socket can speak to IPv6 addresses.
Result<std::vector<udp::endpoint>> resolve(const interface::ListenAddress& address, bool v6_too) {
  asio::io_context resolving;
  boost::system::error_code error;
  const auto found = udp::resolver(resolving).resolve(address.host, std::to_string(address.port),
                                                      udp::resolver::passive, error);
  std::vector<udp::endpoint> endpoints;
  if (!error) {
    for (const auto& entry : found) {
      if (v6_too || entry.endpoint().address().is_v4()) endpoints.push_back(entry.endpoint());
    }
  }
  if (endpoints.empty()) {
    return fail(
        Errc::kInvalidArgument,
        fmt::format("The address of {} cannot be found: {}.", written(address),
                    error ? error.message() : "it has only IPv6 addresses, and --rpc is an IPv4 one"));
  }
  return endpoints;
}

/// One unknown name among several, or one that a node with a saved table does not need, is only logged.
Result<std::vector<Endpoint>> seeds_of(const interface::NetworkOptions& options, bool v6_too,
                                       bool knows_others) {
  std::vector<Endpoint> seeds;
  core::Error failure;
  for (const auto& address : options.bootstrap) {
    auto found = resolve(address, v6_too);
    if (!found) {
      failure = std::move(found).error();
      spdlog::warn("{}", failure.detail);
      continue;
    }
    for (const auto& endpoint : *found) seeds.push_back(distributed::rpc::from_asio(endpoint));
  }
  if (seeds.empty() && !options.bootstrap.empty() && !knows_others)
    return std::unexpected(std::move(failure));
  return seeds;
}

}  // namespace

Result<std::unique_ptr<NodeNetwork>> NodeNetwork::start(Options options) {
  KademliaDriver::Options driver;
  driver.keys = std::move(options.keys);
  driver.id = options.id;
  driver.saved_table = options.data / "contacts";
  std::error_code unknown;
  const bool knows_others = std::filesystem::exists(driver.saved_table, unknown);

  KADENZA_TRY(const auto listen, resolve(options.network.listen, true));
  driver.listen = listen.front();
  const bool v6_too = driver.listen.address().is_v6();
  if (options.network.advertise) {
    KADENZA_TRY(const auto advertised, resolve(*options.network.advertise, v6_too));
    driver.advertise = distributed::rpc::from_asio(advertised.front());
  }
  KADENZA_TRY(driver.seeds, seeds_of(options.network, v6_too, knows_others || !options.seeds.empty()));
  for (const auto& seed : options.seeds) driver.seeds.push_back(seed.endpoint);
  driver.capacity_class = distributed::kademlia::capacity_class(options.capacity);
  const bool expects_others = knows_others || !driver.seeds.empty();

  distributed::kademlia::Contact self{options.id, {}, driver.capacity_class};
  const auto advertised_at = driver.advertise;
  KADENZA_TRY(auto opened,
              KademliaDriver::open(options.io, options.blocking, *options.clock, std::move(driver)));
  opened->start();
  spdlog::info("node {} listens on UDP {}", opened->id().text(), opened->local().text());
  self.endpoint = advertised_at.value_or(opened->local());
  return std::unique_ptr<NodeNetwork>(
      new NodeNetwork(std::move(opened), *options.clock, self, expects_others));
}

core::Task<void> NodeNetwork::joined(core::Duration patience) {
  const core::Instant end = clock_.now() + patience;
  asio::steady_timer timer(co_await asio::this_coro::executor);
  while (clock_.now() < end) {
    const auto seen = co_await driver_->snapshot();
    if (seen.joined) co_return;
    timer.expires_after(kJoinPoll);
    co_await timer.async_wait(asio::use_awaitable);
  }
  spdlog::warn("no other node answered yet; this node serves what it has, and goes on trying");
}

core::Task<void> NodeNetwork::stop() {
  co_await driver_->stop();
}

}  // namespace kadenza::app
