// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/identity/join_token.hpp"

#include <gtest/gtest.h>

#include "core/sha256.hpp"

namespace kadenza::distributed::identity {
namespace {

using namespace std::chrono_literals;

JoinToken sample() {
  return {.authority = core::sha256("an authority"),
          .addresses = {"attic.example:4748", "192.0.2.1:4748"},
          .secret = JoinToken::new_secret(),
          .expires = core::WallTime(1'800'000'000s)};
}

std::string refusal(std::string_view text) {
  const auto parsed = JoinToken::parse(text);
  EXPECT_FALSE(parsed) << text;
  return parsed ? "" : parsed.error().detail;
}

TEST(JoinToken, IsOneWordThatReadsBack) {
  const JoinToken token = sample();
  const std::string text = token.text();
  EXPECT_TRUE(text.starts_with("kadenza-join-"));
  EXPECT_EQ(text.find_first_not_of("abcdefghijklmnopqrstuvwxyz234567-"), std::string::npos);
  EXPECT_EQ(*JoinToken::parse(text), token);
  EXPECT_EQ(*JoinToken::parse("  " + text + "\r\n"), token);
}

TEST(JoinToken, EveryTypingErrorIsNoticed) {
  const std::string text = sample().text();
  for (std::size_t i = JoinToken::kPrefix.size(); i < text.size(); ++i) {
    std::string wrong = text;
    wrong[i] = wrong[i] == 'a' ? 'b' : 'a';
    EXPECT_NE(refusal(wrong).find("mistyped"), std::string::npos) << i;
  }
  for (std::size_t length = JoinToken::kPrefix.size(); length < text.size(); ++length) {
    EXPECT_NE(refusal(text.substr(0, length)).find("not complete"), std::string::npos) << length;
  }
}

TEST(JoinToken, OtherTextsAreRefused) {
  EXPECT_NE(refusal("").find("not a join token"), std::string::npos);
  EXPECT_NE(refusal("some other word").find("kadenza cluster invite"), std::string::npos);
  EXPECT_NE(refusal("kadenza-join-" + std::string(5000, 'a')).find("not a join token"), std::string::npos);
}

}  // namespace
}  // namespace kadenza::distributed::identity
