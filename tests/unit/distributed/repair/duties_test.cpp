// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/repair/duties.hpp"

#include <deque>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>

#include "core/sha256.hpp"
#include "distributed/repair/held_copies.hpp"
#include "sim/coroutines.hpp"
#include "sim/engine.hpp"
#include "tests/unit/distributed/placement/known_nodes.hpp"
#include "tests/unit/distributed/repair/songs.hpp"

namespace kadenza::distributed::repair {
namespace {

core::NodeId node(int number) {
  return {core::sha256("node " + std::to_string(number)).bytes};
}

/// Nodes 0, 1, 2… in this order, some of them silent.
placement::Order order_of(std::initializer_list<bool> silent) {
  placement::Order order;
  for (const bool one : silent) {
    placement::Candidate candidate;
    candidate.contact.id = node(static_cast<int>(order.size()));
    candidate.silent = one;
    order.push_back(candidate);
  }
  return order;
}

std::vector<core::NodeId> nodes(std::initializer_list<int> numbers) {
  std::vector<core::NodeId> ids;
  for (const int number : numbers) ids.push_back(node(number));
  return ids;
}

const cluster::Settings kSettings;

TEST(Duties, TheFirstOfTheOrderKeepAndTheFirstOfThemDrives) {
  const auto duty = duty_of(order_of({false, false, false, false, false}), kSettings);
  EXPECT_EQ(duty.keepers, nodes({0, 1, 2}));
  EXPECT_EQ(duty.driver, node(0));
  EXPECT_EQ(duty.silent, 0U);
}

TEST(Duties, OneSilentNodeIsWaitedFor) {
  const auto duty = duty_of(order_of({true, false, false, false, false}), kSettings);
  EXPECT_EQ(duty.keepers, nodes({0, 1, 2}));
  EXPECT_EQ(duty.driver, node(1));
  EXPECT_EQ(duty.silent, 1U);
}

TEST(Duties, TheLastLiveCopyGetsAnotherAtOnce) {
  const auto duty = duty_of(order_of({true, false, true, true, false, false}), kSettings);
  EXPECT_EQ(duty.keepers, nodes({0, 1, 2, 4}));
  EXPECT_EQ(duty.driver, node(1));
}

TEST(Duties, WithAllKeepersSilentTheNextOnesTakeOver) {
  const auto duty = duty_of(order_of({true, true, true, false, false, false}), kSettings);
  EXPECT_EQ(duty.keepers, nodes({0, 1, 2, 3, 4}));
  EXPECT_EQ(duty.driver, node(3));
}

TEST(Duties, OnlyTheDriverIsComparedWith) {
  const auto duty = duty_of(order_of({false, false, false, false}), kSettings);
  EXPECT_TRUE(duty.pairs(node(0), node(1)));
  EXPECT_TRUE(duty.pairs(node(2), node(0)));
  EXPECT_FALSE(duty.pairs(node(1), node(2)));  // neither drives
  EXPECT_FALSE(duty.pairs(node(0), node(3)));  // does not keep
}

TEST(Duties, WhoLeavesKeepsNothing) {
  auto order = order_of({false, false, false, false, false});
  order[0].leaving = true;
  EXPECT_EQ(duty_of(order, kSettings).keepers, nodes({1, 2, 3}));
  order[2].leaving = true;
  EXPECT_EQ(duty_of(order, kSettings).keepers, nodes({1, 3, 4}));
}

TEST(Duties, TheNextNodesTakeThePlacesOfThoseWithoutRoom) {
  const auto order = order_of({false, false, true, false, false});
  EXPECT_EQ(duty_of(order, kSettings, nodes({1})).keepers, nodes({0, 2, 3}));
  EXPECT_EQ(duty_of(order, kSettings, nodes({0, 1})).keepers, nodes({2, 3, 4}));
}

TEST(Duties, ANetworkWithoutNodesHasNone) {
  const auto duty = duty_of({}, kSettings);
  EXPECT_TRUE(duty.keepers.empty());
  EXPECT_FALSE(duty.driver);
  EXPECT_FALSE(duty.pairs(node(0), node(1)));
}

TEST(Duties, TwoNodesSeeTheSamePartitionsAsTheirs) {
  constexpr int kNodes = 7;
  sim::Engine engine(1);
  sim::Coroutines coroutines(engine);
  sim::SimClock clock(engine);
  std::vector<kademlia::Contact> contacts(kNodes);
  for (int i = 0; i < kNodes; ++i) {
    contacts[static_cast<std::size_t>(i)].id = node(i);
    contacts[static_cast<std::size_t>(i)].capacity_class = 1;
  }
  HeldCopies held(8);
  for (std::uint64_t i = 0; i < 1000; ++i) held.put(numbered_song(i));
  const auto partitions = held.partitions();
  std::vector<placement::KnownNodes> routings(kNodes);
  std::vector<std::shared_ptr<placement::Directory>> directories;
  std::deque<Duties> duties;
  for (std::size_t i = 0; i < kNodes; ++i) {
    for (const auto& contact : contacts) {
      if (contact.id != contacts[i].id) routings[i].nodes.emplace_back(contact);
    }
    directories.push_back(placement::Directory::create(
        {.self = contacts[i]}, coroutines.context().get_executor(), clock, routings[i]));
    duties.emplace_back(*directories.back(), kSettings);
    boost::asio::co_spawn(coroutines.context(), duties.back().renew(partitions, core::Deadline::max()),
                          boost::asio::detached);
  }
  engine.run();
  for (std::size_t a = 0; a < kNodes; ++a) {
    for (std::size_t b = 0; b < kNodes; ++b) {
      Duties::Partitions expected;
      for (const auto& partition : partitions) {
        const bool compared = duties[0].current()->at(partition.key).pairs(contacts[a].id, contacts[b].id);
        if (a != b && compared) expected.push_back(partition);
      }
      EXPECT_EQ(*duties[a].shared_with(contacts[b].id), expected) << a << " with " << b;
    }
  }
  EXPECT_TRUE(duties[0].shared_with(node(99))->empty());
}

}  // namespace
}  // namespace kadenza::distributed::repair
