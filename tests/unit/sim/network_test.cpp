// SPDX-License-Identifier: AGPL-3.0-or-later
#include "sim/network.hpp"

#include <algorithm>
#include <chrono>
#include <vector>

#include <gtest/gtest.h>

#include "sim/connections.hpp"

namespace kadenza::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Network with_hosts(std::size_t count) {
  Network network(Random(3));
  for (std::size_t i = 0; i < count; ++i) network.add_host();
  return network;
}

bool arrives(Network& network, HostId from, HostId to, core::Instant now = {}) {
  return network.send_datagram(from, to, now).copies > 0;
}

TEST(Latency, HasTheMedianAndTailOfTheInternet) {
  const Network network = with_hosts(400);
  std::vector<core::Duration> trips;
  for (HostId a = 0; a < network.size(); ++a) {
    for (HostId b = 0; b < a; ++b) trips.push_back(network.round_trip(a, b));
  }
  std::sort(trips.begin(), trips.end());
  const auto at = [&](double quantile) {
    return trips[static_cast<std::size_t>(quantile * static_cast<double>(trips.size() - 1))];
  };
  EXPECT_GT(at(0.5), milliseconds(70));
  EXPECT_LT(at(0.5), milliseconds(90));
  EXPECT_GT(at(0.1), milliseconds(10));
  EXPECT_GT(at(0.9), milliseconds(150));
  EXPECT_GT(at(0.99), milliseconds(250));
  EXPECT_LT(at(0.99), milliseconds(400));
}

TEST(Network, LosesAndDuplicatesAsOftenAsAsked) {
  Network network = with_hosts(2);
  network.faults = {.loss = 0.2, .duplication = 0.1};
  int lost = 0;
  int doubled = 0;
  for (int i = 0; i < 10'000; ++i) {
    const auto copies = network.send_datagram(0, 1, {}).copies;
    lost += copies == 0;
    doubled += copies == 2;
  }
  EXPECT_NEAR(lost, 2000, 150);
  EXPECT_NEAR(doubled, 800, 120);
}

TEST(Network, ReorderingLetsLaterOnesOvertake) {
  Network network = with_hosts(2);
  network.faults = {.reordering = 0.5, .reordering_delay = seconds(5)};
  bool overtaken = false;
  core::Instant last{};
  for (int i = 0; i < 100; ++i) {
    const core::Instant sent{milliseconds(10 * i)};
    const core::Instant arrival = sent + network.send_datagram(0, 1, sent).after[0];
    overtaken |= arrival < last;
    last = std::max(last, arrival);
  }
  EXPECT_TRUE(overtaken);
}

TEST(Network, AHostThatIsDownSendsNothing) {
  Network network = with_hosts(2);
  network.set_up(0, false);
  EXPECT_FALSE(arrives(network, 0, 1));
  EXPECT_TRUE(arrives(network, 1, 0)) << "what is on the way does not know";
  EXPECT_FALSE(network.connected(1, 0));
}

TEST(Network, PartitionsCutOneDirectionOnlyIfAsked) {
  Network network = with_hosts(2);
  network.set_group(1, 1);
  network.cut(0, 1);
  EXPECT_FALSE(arrives(network, 0, 1));
  EXPECT_TRUE(arrives(network, 1, 0));
  EXPECT_FALSE(network.connected(1, 0)) << "no acknowledgement would come back";
  network.heal();
  EXPECT_TRUE(arrives(network, 0, 1));
}

TEST(Network, ANatLetsInOnlyAnswers) {
  Network network = with_hosts(3);
  network.set_behind_nat(1, true);
  EXPECT_FALSE(arrives(network, 0, 1));
  EXPECT_TRUE(arrives(network, 1, 0));
  EXPECT_TRUE(arrives(network, 0, 1));
  EXPECT_FALSE(arrives(network, 2, 1)) << "it wrote to another host";
  EXPECT_FALSE(arrives(network, 0, 1, core::Instant(Network::kNatMemory + seconds(1))));
}

TEST(Connections, TheFirstRequestPaysForTwoHandshakes) {
  Network network = with_hosts(2);
  Connections connections(network);
  const core::Duration trip = network.round_trip(0, 1);
  const core::Instant start{};
  const auto first = connections.request(0, 1, start);
  ASSERT_TRUE(first);
  EXPECT_GE(*first - start, 2 * trip + trip / 2);
  const core::Instant later = *first + seconds(1);
  const auto second = connections.request(0, 1, later);
  ASSERT_TRUE(second);
  EXPECT_GE(*second - later, trip / 2);
  EXPECT_LT(*second - later, 2 * trip + trip / 2);
}

TEST(Connections, BytesArriveInOrderAndLossCostsTime) {
  Network network = with_hosts(2);
  network.faults.loss = 0.5;
  Connections connections(network);
  const core::Instant start{};
  core::Instant last = *connections.request(0, 1, start);
  for (int i = 0; i < 50; ++i) {
    const core::Instant arrival = *connections.request(0, 1, start);
    EXPECT_GE(arrival, last);
    last = arrival;
  }
  EXPECT_GE(last - start, milliseconds(200)) << "at least one retransmission time-out";
}

TEST(Connections, AreRefusedByNatsAndBrokenByCuts) {
  Network network = with_hosts(2);
  Connections connections(network);
  network.set_behind_nat(1, true);
  EXPECT_FALSE(connections.request(0, 1, {}));
  ASSERT_TRUE(connections.request(1, 0, {}));
  EXPECT_TRUE(connections.response(1, 0, {}));
  network.set_group(1, 1);
  network.cut(0, 1);
  EXPECT_FALSE(connections.response(1, 0, {}));
  network.heal();
  EXPECT_FALSE(connections.response(1, 0, {})) << "that connection is gone";
}

}  // namespace
}  // namespace kadenza::sim
