// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/replication/claims.hpp"

#include <gtest/gtest.h>

#include "core/sha256.hpp"

namespace kadenza::distributed::replication {
namespace {

using namespace std::chrono_literals;

class SetClock final : public core::Clock {
 public:
  core::Instant now() const noexcept override { return core::Instant(elapsed); }
  core::WallTime wall_now() const noexcept override {
    return core::WallTime(1'000s + std::chrono::duration_cast<std::chrono::milliseconds>(elapsed));
  }
  core::Duration elapsed{};
};

class ClaimsTest : public ::testing::Test {
 protected:
  static core::SongId song(int n = 0) { return {core::sha256("song " + std::to_string(n)).bytes}; }
  static core::Digest audio(std::string_view name) { return core::sha256(name); }
  Claims::Outcome claim(std::string_view name) { return claims.claim(song(), audio(name)).value(); }

  SetClock clock;
  Claims claims{clock};
};

TEST_F(ClaimsTest, TheFirstAudioHasTheSongAndItsTime) {
  EXPECT_EQ(claim("one"), Claims::Outcome(core::WallTime(1'000s)));
  clock.elapsed = 3s;
  EXPECT_EQ(claim("two"), Claims::Outcome(audio("one")));
  EXPECT_EQ(claim("one"), Claims::Outcome(core::WallTime(1'000s))) << "the same time again";
  EXPECT_TRUE(std::holds_alternative<core::WallTime>(claims.claim(song(1), audio("two")).value()));
}

TEST_F(ClaimsTest, AClaimEndsByItselfUnlessItIsRepeated) {
  claim("one");
  clock.elapsed = Claims::kLease - 1ms;
  claim("one");
  clock.elapsed = 2 * Claims::kLease - 2ms;
  EXPECT_EQ(claim("two"), Claims::Outcome(audio("one")));
  clock.elapsed = 2 * Claims::kLease;
  EXPECT_EQ(claim("two"), Claims::Outcome(clock.wall_now()));
  EXPECT_EQ(claim("one"), Claims::Outcome(audio("two")));
}

TEST_F(ClaimsTest, OnlyItsOwnAudioReleasesAClaim) {
  claim("one");
  claims.release(song(), audio("two"));
  EXPECT_EQ(claim("two"), Claims::Outcome(audio("one")));
  claims.release(song(), audio("one"));
  EXPECT_TRUE(std::holds_alternative<core::WallTime>(claim("two")));
}

TEST_F(ClaimsTest, TheyAreBoundedAndMakeRoomWhenTheyEnd) {
  for (std::size_t i = 0; i < Claims::kClaimsMax; ++i) {
    ASSERT_TRUE(claims.claim(song(static_cast<int>(i)), audio("one")));
  }
  const auto refused = claims.claim(song(-1), audio("one"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, core::Errc::kTooManyRequests);
  EXPECT_TRUE(claims.claim(song(7), audio("one"))) << "those that have one keep it";
  clock.elapsed = Claims::kLease;
  EXPECT_TRUE(claims.claim(song(-1), audio("one")));
}

}  // namespace
}  // namespace kadenza::distributed::replication
