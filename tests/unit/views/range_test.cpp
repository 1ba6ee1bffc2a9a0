// SPDX-License-Identifier: AGPL-3.0-or-later
#include "views/range.hpp"

#include <gtest/gtest.h>

#include "views/http_date.hpp"

namespace kadenza::views {
namespace {

using Kind = RangeAnswer::Kind;

struct RangeCase {
  const char* field;
  RangeAnswer answer;
};

constexpr RangeAnswer kWhole{Kind::kWhole, {}};
constexpr RangeAnswer kNone{Kind::kUnsatisfiable, {}};
constexpr RangeAnswer part(std::uint64_t offset, std::uint64_t length) {
  return {Kind::kPart, {offset, length}};
}

TEST(SelectRange, FollowsRfc9110ForThousandBytes) {
  const RangeCase cases[] = {
      {"bytes=0-0", part(0, 1)},
      {"bytes=0-999", part(0, 1000)},
      {"bytes=0-", part(0, 1000)},
      {"bytes=999-", part(999, 1)},
      {"bytes=500-5000", part(500, 500)},
      {"bytes=500-99999999999999999999999", part(500, 500)},
      {"bytes=-1", part(999, 1)},
      {"bytes=-5000", part(0, 1000)},
      {"bytes=-99999999999999999999999", part(0, 1000)},
      {"Bytes = 1-2", part(1, 2)},
      {"bytes=, 1-2 ,", part(1, 2)},
      {"bytes=1000-", kNone},
      {"bytes=99999999999999999999999-", kNone},
      {"bytes=-0", kNone},
      // malformed, another unit, or several: the field does not count
      {"bytes=5-2", kWhole},
      {"bytes=", kWhole},
      {"bytes", kWhole},
      {"", kWhole},
      {"bytes=-", kWhole},
      {"bytes=a-b", kWhole},
      {"bytes=1-2x", kWhole},
      {"bytes=+1-2", kWhole},
      {"bytes=1--2", kWhole},
      {"bytes=0x1-2", kWhole},
      {"items=0-1", kWhole},
      {"bytes=0-1,5-6", kWhole},
  };
  for (const auto& one : cases) EXPECT_EQ(select_range(one.field, 1000), one.answer) << one.field;
}

TEST(SelectRange, NothingOfAnEmptyFileCanBeSatisfied) {
  EXPECT_EQ(select_range("bytes=0-", 0), kNone);
  EXPECT_EQ(select_range("bytes=-5", 0), kNone);
}

const Validators kValidators{"\"tag\"", core::WallTime(std::chrono::milliseconds(784'111'777'500))};
constexpr std::string_view kModified = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr std::string_view kBefore = "Sun, 06 Nov 1994 08:49:36 GMT";
constexpr std::string_view kAfter = "Sun, 06 Nov 1994 08:49:38 GMT";

TEST(Evaluate, FollowsTheOrderOfRfc9110) {
  using enum Precondition;
  struct Case {
    Conditions conditions;
    Precondition outcome;
  };
  const Case cases[] = {
      {{}, kProceed},
      {{.if_match = "\"tag\""}, kProceed},
      {{.if_match = "*"}, kProceed},
      {{.if_match = "\"a\", \"tag\""}, kProceed},
      {{.if_match = "\"a,\", \"b\""}, kFailed},
      {{.if_match = "W/\"tag\""}, kFailed},
      {{.if_none_match = "\"tag\""}, kNotModified},
      {{.if_none_match = "W/\"tag\""}, kNotModified},
      {{.if_none_match = "*"}, kNotModified},
      {{.if_none_match = "\"other\""}, kProceed},
      {{.if_none_match = "tag"}, kProceed},
      {{.if_modified_since = kModified}, kNotModified},
      {{.if_modified_since = kAfter}, kNotModified},
      {{.if_modified_since = kBefore}, kProceed},
      {{.if_modified_since = "yesterday"}, kProceed},
      {{.if_unmodified_since = kModified}, kProceed},
      {{.if_unmodified_since = kBefore}, kFailed},
      // an entity tag outweighs the date of the same kind
      {{.if_none_match = "\"other\"", .if_modified_since = kAfter}, kProceed},
      {{.if_match = "\"tag\"", .if_unmodified_since = kBefore}, kProceed},
      {{.if_match = "\"other\"", .if_none_match = "\"tag\""}, kFailed},
  };
  for (std::size_t i = 0; i < std::size(cases); ++i)
    EXPECT_EQ(evaluate(cases[i].conditions, kValidators), cases[i].outcome) << "case " << i;
}

TEST(RangeApplies, OnlyToTheSameRepresentation) {
  EXPECT_TRUE(range_applies({}, kValidators));
  EXPECT_TRUE(range_applies({.if_range = "\"tag\""}, kValidators));
  EXPECT_TRUE(range_applies({.if_range = kModified}, kValidators));
  EXPECT_FALSE(range_applies({.if_range = "\"other\""}, kValidators));
  EXPECT_FALSE(range_applies({.if_range = "W/\"tag\""}, kValidators));
  EXPECT_FALSE(range_applies({.if_range = kAfter}, kValidators));
  EXPECT_FALSE(range_applies({.if_range = "soon"}, kValidators));
}

TEST(HttpDate, WritesOneFormAndReadsThree) {
  const core::WallTime time{std::chrono::milliseconds(784'111'777'123)};
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  EXPECT_EQ(http_date(time), kModified);
  EXPECT_EQ(rfc3339(time), "1994-11-06T08:49:37.123Z");
  EXPECT_EQ(parse_http_date(kModified), seconds);
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), seconds);
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994"), seconds);
  for (const auto* wrong :
       {"", "Sun, 06 Nov 1994", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT+1", "Sun, 06 Foo 1994 08:49:37 GMT"})
    EXPECT_EQ(parse_http_date(wrong), std::nullopt) << wrong;
}

}  // namespace
}  // namespace kadenza::views
