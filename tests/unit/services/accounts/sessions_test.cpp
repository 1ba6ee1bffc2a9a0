// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/accounts/sessions.hpp"

#include <thread>

#include <gtest/gtest.h>

#include "core/sha256.hpp"

namespace kadenza::services::accounts {
namespace {

using namespace std::chrono_literals;

const core::WallTime kNow{std::chrono::days(20000)};

StoredSession session(const std::string& token, core::WallTime expires) {
  return {core::sha256(token), {"ana", core::Role::kUploader}, expires};
}

TEST(Sessions, AKnownTokenNamesItsUser) {
  Sessions sessions;
  sessions.add(session("t", kNow + 1h));
  const auto check = sessions.check(core::sha256("t"), kNow);
  ASSERT_TRUE(check);
  EXPECT_EQ(check->principal.user, "ana");
  EXPECT_EQ(check->principal.role, core::Role::kUploader);
  EXPECT_FALSE(sessions.check(core::sha256("u"), kNow));
}

TEST(Sessions, UseKeepsASessionAliveAndIdlenessEndsIt) {
  Sessions sessions;
  sessions.add(session("t", kNow + Sessions::kLifetime));
  core::WallTime now = kNow;
  for (int i = 0; i < 5; ++i) {
    now += std::chrono::days(60);
    EXPECT_TRUE(sessions.check(core::sha256("t"), now));
  }
  EXPECT_FALSE(sessions.check(core::sha256("t"), now + std::chrono::days(90)));
}

TEST(Sessions, AMovedExpiryIsWorthSavingOnceADay) {
  Sessions sessions;
  sessions.add(session("t", kNow + Sessions::kLifetime));
  EXPECT_FALSE(sessions.check(core::sha256("t"), kNow + 1h)->worth_saving);
  EXPECT_TRUE(sessions.check(core::sha256("t"), kNow + 25h)->worth_saving);
  EXPECT_FALSE(sessions.check(core::sha256("t"), kNow + 26h)->worth_saving);
}

TEST(Sessions, TheFileGetsOnlyValidOnes) {
  Sessions sessions;
  sessions.add(session("old", kNow));
  sessions.add(session("new", kNow + 1h));
  const auto all = sessions.all(kNow);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all.front(), session("new", kNow + 1h));
}

TEST(Sessions, TheirNumberIsBounded) {
  Sessions sessions;
  sessions.add(session("first to expire", kNow + 1s));
  for (std::size_t i = 0; i < Sessions::kMax; ++i) sessions.add(session(std::to_string(i), kNow + 1h));
  EXPECT_EQ(sessions.all(kNow).size(), Sessions::kMax);
  EXPECT_FALSE(sessions.check(core::sha256("first to expire"), kNow));
  EXPECT_TRUE(sessions.check(core::sha256("0"), kNow));
}

TEST(Sessions, CheckedByManyThreadsWhileOthersComeAndGo) {
  Sessions sessions;
  sessions.add(session("steady", kNow + Sessions::kLifetime));
  std::vector<std::jthread> threads;
  std::atomic<int> misses = 0;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      const core::Digest token = core::sha256("steady");
      for (int i = 0; i < 5000; ++i) misses += sessions.check(token, kNow + i * 1min) ? 0 : 1;
    });
  }
  threads.emplace_back([&] {
    for (int i = 0; i < 500; ++i) {
      sessions.add(session(std::to_string(i), kNow + 1h));
      sessions.remove(core::sha256(std::to_string(i / 2)));
      (void)sessions.all(kNow);
    }
  });
  threads.clear();
  EXPECT_EQ(misses, 0);
}

}  // namespace
}  // namespace kadenza::services::accounts
