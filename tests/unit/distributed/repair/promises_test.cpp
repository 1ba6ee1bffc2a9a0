// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/repair/promises.hpp"

#include <gtest/gtest.h>

#include "core/sha256.hpp"

namespace kadenza::distributed::repair {
namespace {

using namespace std::chrono_literals;

class HandClock final : public core::Clock {
 public:
  core::Instant now() const noexcept override { return at; }
  core::WallTime wall_now() const noexcept override { return {}; }
  core::Instant at{24h};
};

struct APromise : testing::Test {
  HandClock clock;
  Promises promises{clock, 1h};
  const RowVersion song{{core::sha256("a song").bytes}, 7};
};

TEST_F(APromise, IsMadeOfVerifiedCopiesOnly) {
  EXPECT_FALSE(promises.promise(song));
  promises.verified({song.id, 8});
  EXPECT_FALSE(promises.promise(song)) << "another version was verified";
  promises.verified(song);
  EXPECT_TRUE(promises.promise(song));
  promises.doubted(song.id);
  EXPECT_FALSE(promises.promise(song));
}

TEST_F(APromise, NeedsACopyThatWasVerifiedLately) {
  promises.verified(song);
  clock.at += 1h + 1s;
  EXPECT_FALSE(promises.promise(song));
  promises.verified(song);
  clock.at += 1h;
  EXPECT_TRUE(promises.promise(song));
}

TEST_F(APromise, MayBeRenewedAsLongAsItBinds) {
  promises.verified(song);
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(promises.promise(song));
    clock.at += 1h;
  }
  promises.doubted(song.id);
  EXPECT_FALSE(promises.promise(song)) << "rot was found";
  promises.verified(song);
  ASSERT_TRUE(promises.promise(song));
  clock.at += 1h + 1s;
  EXPECT_FALSE(promises.promise(song)) << "there was a break";
}

TEST_F(APromise, BindsForItsTime) {
  clock.at += 2h;
  promises.verified(song);
  ASSERT_TRUE(promises.promise(song));
  clock.at += 1h;
  EXPECT_FALSE(promises.let_go(song.id));
  clock.at += 1s;
  EXPECT_TRUE(promises.let_go(song.id));
}

TEST_F(APromise, IsBindingEvenIfTheCopyIsDoubted) {
  clock.at += 2h;
  promises.verified(song);
  ASSERT_TRUE(promises.promise(song));
  promises.doubted(song.id);
  EXPECT_FALSE(promises.let_go(song.id));
}

TEST_F(APromise, IsNotMadeOfWhatIsBeingLetGo) {
  clock.at += 2h;
  promises.verified(song);
  ASSERT_TRUE(promises.let_go(song.id));
  EXPECT_FALSE(promises.let_go(song.id));
  promises.verified(song);  // a reading that had begun before
  EXPECT_FALSE(promises.promise(song));
  promises.settled(song.id);
  EXPECT_FALSE(promises.promise(song));
  promises.verified(song);  // it came back
  EXPECT_TRUE(promises.promise(song));
}

TEST_F(APromise, OfTheTimeBeforeARestartIsKept) {
  EXPECT_FALSE(promises.let_go(song.id)) << "it may have been promised before the start";
  clock.at += 1h - 1s;
  EXPECT_FALSE(promises.let_go(song.id));
  clock.at += 1s;
  EXPECT_TRUE(promises.let_go(song.id));
}

TEST_F(APromise, IsNotForgottenWhenThereAreMany) {
  clock.at += 2h;
  promises.verified(song);
  ASSERT_TRUE(promises.promise(song));
  for (int i = 0; i < 30'000; ++i) promises.verified({{core::sha256(std::to_string(i)).bytes}, 1});
  EXPECT_FALSE(promises.let_go(song.id));
  EXPECT_TRUE(promises.promise(song));
}

}  // namespace
}  // namespace kadenza::distributed::repair
