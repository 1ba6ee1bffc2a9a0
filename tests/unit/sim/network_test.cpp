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

TEST(Lines, TakeTheBytesTheirTime) {
  Network network = with_hosts(2);
  EXPECT_EQ(network.transmission(0, 1, 1'000'000, {}), core::Duration{});
  network.set_line(0, {.up = 1e6, .down = 1e9});
  network.set_line(1, {.up = 1e9, .down = 2e6});
  EXPECT_EQ(network.transmission(0, 1, 1'000'000, {}), seconds(1));  // the slower of the two
  EXPECT_EQ(network.transmission(1, 0, 1'000'000, {}), milliseconds(1) + milliseconds(0));
}

TEST(Lines, AreSharedAndNobodyWaitsLongerThanInOneQueue) {
  Network network = with_hosts(3);
  network.set_line(0, {.up = 1e6});
  network.transmission(0, 1, 4'000'000, {});
  EXPECT_EQ(network.transmission(0, 2, 500'000, {}), seconds(1));  // half of the line
  EXPECT_EQ(network.transmission(0, 2, 4'000'000, core::Instant(seconds(4))), milliseconds(4500));
  EXPECT_EQ(network.transmission(0, 1, 1'000'000, core::Instant(seconds(60))), seconds(1));
}

class ConnectionsTest : public ::testing::Test {
 protected:
  ConnectionsTest() : network(with_hosts(2)), connections(network) {
    network.set_line(0, {.up = 1e9, .down = 1e9});
    network.set_line(1, {.up = 1e9, .down = 1e9});
    (void)connections.request(0, 1, {});
  }
  /// How many round trips beyond the way back a response takes.
  double rounds(std::size_t bytes, core::Instant now) {
    const auto arrival = connections.response(0, 1, now, bytes);
    const auto trip = network.round_trip(0, 1);
    return std::chrono::duration<double>(*arrival - now - trip / 2) / std::chrono::duration<double>(trip);
  }
  Network network;
  Connections connections;
};

TEST_F(ConnectionsTest, ANewOneNeedsThreeFlightsForAChunk) {
  EXPECT_NEAR(rounds(10'000, core::Instant(seconds(10))), 0, 0.5);
  EXPECT_NEAR(rounds(64 << 10, core::Instant(seconds(20))), 2, 0.7);
}

TEST_F(ConnectionsTest, OneThatIsInUseSendsAtOnceAndForgetsItWhenIdle) {
  rounds(1 << 20, core::Instant(seconds(10)));
  const auto soon = *connections.response(0, 1, core::Instant(seconds(12)), 1 << 20);
  EXPECT_NEAR(rounds(64 << 10, soon), 0, 0.5);
  EXPECT_NEAR(rounds(64 << 10, soon + seconds(30)), 2, 0.7);
}

}  // namespace
}  // namespace kadenza::sim
