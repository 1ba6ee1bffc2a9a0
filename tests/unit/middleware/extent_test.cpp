// SPDX-License-Identifier: AGPL-3.0-or-later
#include "middleware/extent.hpp"

#include <gtest/gtest.h>

namespace kadenza::middleware {
namespace {

TEST(Extents, OfAWholeAndOfAPart) {
  EXPECT_EQ(extent_of(200, "10", "", "\"e\""), (Extent{0, 10, 10, "\"e\""}));
  EXPECT_EQ(extent_of(206, "3", "bytes 4-6/10", "\"e\""), (Extent{4, 7, 10, "\"e\""}));
}

TEST(Extents, WhatIsNotAPartOfAFileHasNone) {
  EXPECT_FALSE(extent_of(200, "", "", ""));
  EXPECT_FALSE(extent_of(200, "-1", "", ""));
  EXPECT_FALSE(extent_of(200, "1x", "", ""));
  EXPECT_FALSE(extent_of(404, "10", "", ""));
  for (const char* range :
       {"", "bytes", "bytes 4-6/*", "bytes 6-4/10", "bytes 4-10/10", "bytes */10", "bytes -6/10",
        "items 4-6/10", "bytes 4-99999999999999999999/100", "bytes 4/6-10"}) {
    EXPECT_FALSE(extent_of(206, "3", range, "")) << range;
  }
}

TEST(Extents, TheRestIsAskedForToItsOwnEnd) {
  EXPECT_EQ((Extent{0, 10, 10, ""}.range_from(4)), "bytes=4-");
  EXPECT_EQ((Extent{2, 8, 10, ""}.range_from(4)), "bytes=4-7");
}

TEST(Extents, OnlyTheSameFilesRestContinues) {
  const Extent begun{0, 8, 10, "\"e\""};
  EXPECT_TRUE(begun.continues_with({4, 8, 10, "\"e\""}, 4));
  EXPECT_FALSE(begun.continues_with({5, 8, 10, "\"e\""}, 4));
  EXPECT_FALSE(begun.continues_with({4, 10, 10, "\"e\""}, 4));
  EXPECT_FALSE(begun.continues_with({4, 8, 11, "\"e\""}, 4));
  EXPECT_FALSE(begun.continues_with({4, 8, 10, "\"f\""}, 4));
}

TEST(Extents, AWeakTagDoesNotNameTheBytes) {
  EXPECT_TRUE((Extent{0, 1, 1, "\"e\""}.has_strong_etag()));
  EXPECT_FALSE((Extent{0, 1, 1, "W/\"e\""}.has_strong_etag()));
  EXPECT_FALSE((Extent{0, 1, 1, ""}.has_strong_etag()));
}

}  // namespace
}  // namespace kadenza::middleware
