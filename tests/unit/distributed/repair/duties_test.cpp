// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/repair/duties.hpp"

#include <initializer_list>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/sha256.hpp"

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

}  // namespace
}  // namespace kadenza::distributed::repair
