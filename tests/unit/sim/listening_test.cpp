// SPDX-License-Identifier: AGPL-3.0-or-later
#include "sim/listening.hpp"

#include <chrono>
#include <string>

#include <gtest/gtest.h>

namespace kadenza::sim {
namespace {

ListeningOptions small() {
  ListeningOptions options;
  options.nodes = 12;
  options.songs = 40;
  options.lasting = std::chrono::minutes(4);
  options.churn = false;
  return options;
}

const auto nobody_listens = [](const std::string&) {};

TEST(Listening, SongsSoundSoonAndWhatWasForeseenAtOnce) {
  const auto heard = measure_listening(small(), nobody_listens);
  EXPECT_GT(heard.plays, 10u);
  EXPECT_EQ(heard.failed, 0u);
  EXPECT_EQ(heard.stuttered, 0u);
  EXPECT_GT(heard.picked.count, 0u);
  EXPECT_LT(heard.picked.count, heard.all.count);
  EXPECT_GT(heard.picked.p90, 0);
  EXPECT_LT(heard.picked.p90, 2000);
  EXPECT_EQ(heard.all.p50, 0);
}

TEST(Listening, IsTheSameForTheSameSeed) {
  auto options = small();
  options.lasting = std::chrono::minutes(1);
  const auto first = measure_listening(options, nobody_listens);
  EXPECT_EQ(measure_listening(options, nobody_listens).trace_hash, first.trace_hash);
  options.seed = 2;
  EXPECT_NE(measure_listening(options, nobody_listens).trace_hash, first.trace_hash);
}

}  // namespace
}  // namespace kadenza::sim
