// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/identity/invitations.hpp"

#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "core/base32.hpp"
#include "core/replace_file.hpp"
#include "core/sha256.hpp"
#include "support/temporary_folder.hpp"

namespace kadenza::distributed::identity {
namespace {

using namespace std::chrono_literals;
using core::Errc;

const core::WallTime kNow = core::WallTime(1'800'000'000s);
const core::NodeId kOne{core::sha256("one").bytes};
const core::NodeId kTwo{core::sha256("two").bytes};

class InvitationsTest : public ::testing::Test {
 protected:
  Invitations open() {
    auto opened = Invitations::open(file_);
    EXPECT_TRUE(opened);
    return std::move(*opened);
  }

  kadenza::testing::TemporaryFolder folder_;
  std::filesystem::path file_ = folder_.path() / "invitations";
};

TEST_F(InvitationsTest, AreTakenOnceAlsoAfterARestart) {
  const auto secret = *open().invite("attic", 1h, kNow);
  auto reopened = open();
  EXPECT_EQ(*reopened.redeem(secret, kOne, kNow + 1min), "attic");
  EXPECT_EQ(*reopened.redeem(secret, kOne, kNow + 2min), "attic") << "the same node may repeat";
  EXPECT_EQ(reopened.redeem(secret, kTwo, kNow + 2min).error().code, Errc::kConflict);
  EXPECT_EQ(open().redeem(secret, kTwo, kNow + 2min).error().code, Errc::kConflict);
}

TEST_F(InvitationsTest, ExpireAndAreThenForgotten) {
  auto invitations = open();
  const auto secret = *invitations.invite("", 1h, kNow);
  const auto late = invitations.redeem(secret, kOne, kNow + 1h);
  EXPECT_EQ(late.error().code, Errc::kForbidden);
  EXPECT_NE(late.error().detail.find("2027-01-15 09:00 UTC"), std::string::npos) << late.error().detail;
  ASSERT_TRUE(invitations.invite("", 1h, kNow + 24h * 60));
  EXPECT_EQ(invitations.redeem(secret, kOne, kNow).error().code, Errc::kNotFound);
}

TEST_F(InvitationsTest, UnknownOnesAndLifetimesOutOfRangeAreRefused) {
  auto invitations = open();
  EXPECT_EQ(invitations.redeem(JoinToken::new_secret(), kOne, kNow).error().code, Errc::kNotFound);
  EXPECT_EQ(invitations.invite("", 0s, kNow).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(invitations.invite("", 31 * 24h, kNow).error().code, Errc::kInvalidArgument);
}

TEST_F(InvitationsTest, TheFileHoldsNoSecret) {
  const auto secret = *open().invite("attic", 1h, kNow);
  struct stat status {};
  ASSERT_EQ(::stat(file_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  std::stringstream content;
  content << std::ifstream(file_).rdbuf();
  EXPECT_EQ(content.str().find(core::base32_encode(secret)), std::string::npos);
  EXPECT_NE(content.str().find(core::sha256(secret).text()), std::string::npos);
}

TEST_F(InvitationsTest, WhatCannotBeWrittenIsNotGiven) {
  auto invitations = open();
  const auto secret = *invitations.invite("", 1h, kNow);
  std::filesystem::create_directory(file_.string() + ".new");
  EXPECT_FALSE(invitations.redeem(secret, kOne, kNow));
  std::filesystem::remove(file_.string() + ".new");
  EXPECT_TRUE(invitations.redeem(secret, kTwo, kNow)) << "the failed attempt took nothing";
}

TEST_F(InvitationsTest, ADamagedFileIsAnError) {
  ASSERT_TRUE(core::replace_file(file_, "{\"version\":2}", 0600));
  EXPECT_EQ(Invitations::open(file_).error().code, Errc::kCorrupted);
}

}  // namespace
}  // namespace kadenza::distributed::identity
