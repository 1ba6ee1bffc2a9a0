// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/library/lru_cache.hpp"

#include <string>

#include <gtest/gtest.h>

namespace kadenza::services::library {
namespace {

TEST(LruCache, ForgetsWhatWasNotUsedForLongest) {
  LruCache<int, std::string> cache(2);
  cache.put(1, "one");
  cache.put(2, "two");
  EXPECT_EQ(cache.get(1), "one");
  cache.put(3, "three");
  EXPECT_EQ(cache.get(1), "one");
  EXPECT_EQ(cache.get(2), std::nullopt);
  EXPECT_EQ(cache.get(3), "three");
}

TEST(LruCache, CountsCostsAndReplacesValues) {
  LruCache<int, std::string> cache(10);
  cache.put(1, "a", 6);
  cache.put(1, "b", 4);
  cache.put(2, "c", 6);
  EXPECT_EQ(cache.get(1), "b");
  EXPECT_EQ(cache.get(2), "c");
  cache.put(3, "too dear", 11);
  EXPECT_EQ(cache.get(3), std::nullopt);
  EXPECT_EQ(cache.get(1), "b");
  cache.put(4, "d", 10);
  EXPECT_EQ(cache.get(1), std::nullopt);
  EXPECT_EQ(cache.get(2), std::nullopt);
}

}  // namespace
}  // namespace kadenza::services::library
