// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/accounts/backoff.hpp"

#include <gtest/gtest.h>

namespace kadenza::services::accounts {
namespace {

using namespace std::chrono_literals;

const core::Instant kNow{1h};

TEST(Backoff, AFewMistakesCostNothing) {
  Backoff backoff;
  for (unsigned i = 0; i + 1 < Backoff::kFreeFailures; ++i) backoff.failed("ana", kNow);
  EXPECT_LE(backoff.wait("ana", kNow), core::Duration::zero());
}

TEST(Backoff, WaitsDoubleUpToALimit) {
  Backoff backoff;
  for (unsigned i = 0; i < Backoff::kFreeFailures; ++i) backoff.failed("ana", kNow);
  EXPECT_EQ(backoff.wait("ana", kNow), 1s);
  backoff.failed("ana", kNow);
  EXPECT_EQ(backoff.wait("ana", kNow), 2s);
  EXPECT_LE(backoff.wait("ana", kNow + 2s), core::Duration::zero());
  for (int i = 0; i < 100; ++i) backoff.failed("ana", kNow);
  EXPECT_EQ(backoff.wait("ana", kNow), Backoff::kLongestWait);
}

TEST(Backoff, NamesWaitAloneAndSuccessForgets) {
  Backoff backoff;
  for (int i = 0; i < 10; ++i) backoff.failed("ana", kNow);
  EXPECT_LE(backoff.wait("bea", kNow), core::Duration::zero());
  backoff.succeeded("ana");
  EXPECT_LE(backoff.wait("ana", kNow), core::Duration::zero());
  EXPECT_EQ(backoff.size(), 0U);
}

TEST(Backoff, InventedNamesDoNotFillTheMemory) {
  Backoff backoff;
  for (int i = 0; i < 10; ++i) backoff.failed("ana", kNow);
  for (std::size_t i = 0; i < Backoff::kNamesMax; ++i) {
    backoff.failed(std::to_string(i), kNow);
    if (i % 1000 == 0) backoff.failed("ana", kNow);
  }
  EXPECT_EQ(backoff.size(), Backoff::kNamesMax);
  EXPECT_GT(backoff.wait("ana", kNow), core::Duration::zero()) << "the name under attack was forgotten";
}

}  // namespace
}  // namespace kadenza::services::accounts
