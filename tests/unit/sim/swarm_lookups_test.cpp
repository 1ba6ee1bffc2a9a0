// SPDX-License-Identifier: AGPL-3.0-or-later
#include "sim/swarm_lookups.hpp"

#include <chrono>
#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>

#include "sim/coroutines.hpp"

namespace kadenza::sim {
namespace {

using namespace std::chrono_literals;

class SwarmLookupsTest : public ::testing::Test {
 protected:
  SwarmLookupsTest() {
    for (HostId host = 0; host < 8; ++host) {
      swarm.add_host({.capacity_class = 8});
      swarm.start(host, std::vector<HostId>(host > 0 ? 1 : 0, 0));
      engine.run_for(2s);
    }
    engine.run_for(60s);
  }

  void begin(HostId host, core::Duration patience) {
    answer.reset();
    auto ask = [](SwarmLookupsTest& test, HostId who, core::Deadline deadline) -> core::Task<void> {
      test.answer = co_await test.lookups.nearest(who, test.swarm.contact(3).id, 4, deadline);
    };
    boost::asio::co_spawn(coroutines.context(), ask(*this, host, engine.now() + patience),
                          boost::asio::detached);
  }

  Engine engine{5};
  Coroutines coroutines{engine};
  Network network{engine.random().fork()};
  Actions actions{engine};
  kademlia::Config config;
  KademliaSwarm swarm{engine, network, config};
  SwarmLookups lookups{actions, swarm};
  std::optional<SwarmLookups::Found> answer;
};

TEST_F(SwarmLookupsTest, GiveTheNearestNodesAndHowNearTheyAre) {
  begin(0, 30s);
  engine.run_for(30s);
  ASSERT_TRUE(answer && *answer);
  ASSERT_EQ((*answer)->size(), 4u);
  const auto& nearest = (*answer)->front();
  EXPECT_EQ(nearest.contact.id, swarm.contact(3).id);
  EXPECT_GE(nearest.round_trip, network.round_trip(0, 3));
}

TEST_F(SwarmLookupsTest, EndByTheirDeadline) {
  network.faults.loss = 1;
  begin(0, 1s);
  engine.run_for(1s + 1ms);
  ASSERT_TRUE(answer && !*answer);
  EXPECT_EQ(answer->error().code, core::Errc::kDeadlineExceeded);
  engine.run_for(60s);
}

TEST_F(SwarmLookupsTest, EndWhenTheNodeCrashes) {
  network.faults.loss = 1;
  begin(0, 30s);
  engine.run_for(10ms);
  ASSERT_FALSE(answer);
  swarm.crash(0, KademliaSwarm::Table::kLost);
  lookups.crash(0);
  engine.run_for(1ms);
  ASSERT_TRUE(answer && !*answer);
  EXPECT_EQ(answer->error().code, core::Errc::kUnavailable);
  begin(0, 30s);
  engine.run_for(1ms);
  ASSERT_TRUE(answer && !*answer);
}

}  // namespace
}  // namespace kadenza::sim
