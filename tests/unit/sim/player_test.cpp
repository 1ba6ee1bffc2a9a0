// SPDX-License-Identifier: AGPL-3.0-or-later
#include "sim/player.hpp"

#include <chrono>

#include <gtest/gtest.h>

namespace kadenza::sim {
namespace {

using namespace std::chrono_literals;

core::Instant at(core::Duration since_start) {
  return core::Instant(since_start);
}

TEST(Player, SoundsWhenTheFirstBytesAreThere) {
  Player player(at(10s), 1000);
  EXPECT_FALSE(player.begun());
  player.has(500, at(10s + 300ms));
  EXPECT_TRUE(player.begun());
  EXPECT_EQ(player.latency(), 300ms);
}

TEST(Player, WhatWasFetchedBeforeSoundsInTime) {
  Player player(at(10s), 1000);
  player.has(500, at(2s));
  EXPECT_EQ(player.latency(), 0s);
  EXPECT_EQ(player.began(), at(10s));
  EXPECT_EQ(player.needed(500), at(10s + 500ms));
}

TEST(Player, IsSilentWhileBytesAreMissingAndGoesOnAfterwards) {
  Player player(at(10s), 1000);
  player.has(1000, at(10s));
  player.has(2000, at(11s));
  EXPECT_EQ(player.silence(), 0s);
  player.has(3000, at(13s));  // they were needed at 12 s
  EXPECT_EQ(player.silence(), 1s);
  EXPECT_EQ(player.needed(3000), at(14s));
  player.has(4000, at(14s));
  EXPECT_EQ(player.silence(), 1s);
}

}  // namespace
}  // namespace kadenza::sim
