// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/identity/sealed_backup.hpp"

#include <gtest/gtest.h>

namespace kadenza::distributed::identity {
namespace {

using core::Errc;

TEST(SealedBackup, OpensWithItsPassphraseOnly) {
  const std::string plain = "the secrets of a cluster";
  const auto sealed = seal_backup(plain, "correct horse");
  ASSERT_TRUE(sealed);
  EXPECT_EQ(sealed->find(plain), std::string::npos);
  EXPECT_EQ(*open_backup(*sealed, "correct horse"), plain);
  EXPECT_EQ(open_backup(*sealed, "correct house").error().code, Errc::kForbidden);
  EXPECT_NE(*seal_backup(plain, "correct horse"), *sealed) << "salt and nonce are new each time";

  std::string changed = *sealed;
  changed.back() = static_cast<char>(changed.back() ^ 1);
  EXPECT_EQ(open_backup(changed, "correct horse").error().code, Errc::kForbidden);
}

TEST(SealedBackup, RefusesShortPassphrasesAndOtherFiles) {
  EXPECT_EQ(seal_backup("x", "short").error().code, Errc::kInvalidArgument);
  const std::string sealed = *seal_backup("x", "long enough");
  EXPECT_EQ(open_backup("", "long enough").error().code, Errc::kInvalidArgument);
  EXPECT_EQ(open_backup(sealed.substr(0, 60), "long enough").error().code, Errc::kInvalidArgument);
  std::string newer = sealed;
  newer[15] = 2;
  EXPECT_NE(open_backup(newer, "long enough").error().detail.find("newer"), std::string::npos);
  std::string greedy = sealed;
  greedy[20] = 0x7f;  // asks for two terabytes of memory
  EXPECT_NE(open_backup(greedy, "long enough").error().detail.find("damaged"), std::string::npos);
}

}  // namespace
}  // namespace kadenza::distributed::identity
