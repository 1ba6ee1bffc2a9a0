// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/accounts/accounts_file.hpp"

#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "core/sha256.hpp"

namespace kadenza::services::accounts {
namespace {

AccountsData sample() {
  return {{{"admin", "$argon2id$…", core::Role::kAdmin}, {"ana", "x", core::Role::kListener}},
          {{core::sha256("t"), {"ana", core::Role::kListener}, core::WallTime(std::chrono::hours(7))}}};
}

TEST(AccountsFile, RoundTrip) {
  const auto parsed = parse_accounts(serialise_accounts(sample()));
  ASSERT_TRUE(parsed) << parsed.error().detail;
  EXPECT_EQ(parsed->users, sample().users);
  EXPECT_EQ(parsed->sessions, sample().sessions);
}

TEST(AccountsFile, WhatCannotBeUnderstoodIsRefused) {
  for (const char* text : {
           "",
           "{",
           "[]",
           R"({"version":2,"users":[],"sessions":[]})",
           R"({"version":1,"users":[]})",
           R"({"version":1,"users":[{"name":"a","password_hash":"x","role":9}],"sessions":[]})",
           R"({"version":1,"users":[],"sessions":[{"token_sha256":"short","user":"a","expires_ms":1}]})",
       }) {
    const auto parsed = parse_accounts(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, core::Errc::kCorrupted) << text;
  }
}

TEST(AccountsFile, IsReplacedAsAWholeAndPrivate) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "accounts_file_test";
  std::filesystem::create_directories(folder);
  const auto file = folder / "accounts";
  std::ofstream(file) << "older content that is longer than nothing";
  ASSERT_TRUE(save_accounts(file, sample()));
  struct stat status {};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  const auto loaded = load_accounts(file);
  ASSERT_TRUE(loaded && *loaded);
  EXPECT_EQ((*loaded)->users, sample().users);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 1) << "a temporary file was left";
  std::filesystem::remove_all(folder);
}

TEST(AccountsFile, NoneIsNotAnError) {
  const auto loaded = load_accounts("/nonexistent/accounts");
  ASSERT_TRUE(loaded);
  EXPECT_FALSE(*loaded);
}

}  // namespace
}  // namespace kadenza::services::accounts
