// SPDX-License-Identifier: AGPL-3.0-or-later
#include "middleware/proxy/spool.hpp"

#include <gtest/gtest.h>

namespace kadenza::middleware {
namespace {

std::vector<std::uint8_t> bytes(std::size_t count, std::uint8_t first) {
  std::vector<std::uint8_t> made(count);
  for (std::size_t i = 0; i < count; ++i) made[i] = static_cast<std::uint8_t>(first + i);
  return made;
}

std::vector<std::uint8_t> read(const Spool& spool, std::uint64_t position, std::size_t count) {
  std::vector<std::uint8_t> into(count);
  const auto got = spool.read(position, into);
  into.resize(got.value_or(0));
  return into;
}

TEST(Spool, GivesBackWhatItGotInMemoryAndInAFile) {
  SpoolBudget budget{10u << 20};
  Spool spool(budget);
  const auto small = bytes(1000, 7);
  const auto large = bytes(Spool::kInMemory, 100);
  ASSERT_TRUE(spool.append(small));
  EXPECT_EQ(read(spool, 0, 5000), small);
  ASSERT_TRUE(spool.append(large));
  EXPECT_EQ(spool.size(), small.size() + large.size());
  EXPECT_EQ(read(spool, 0, small.size()), small) << "from the file";
  EXPECT_EQ(read(spool, small.size(), large.size() + 1), large);
  EXPECT_EQ(read(spool, spool.size(), 10).size(), 0U);
}

TEST(Spool, TheBudgetIsSharedAndGivenBack) {
  SpoolBudget budget{1500};
  {
    Spool first(budget);
    ASSERT_TRUE(first.append(bytes(1000, 0)));
    Spool second(budget);
    const auto refused = second.append(bytes(501, 0));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, core::Errc::kNoSpace);
    EXPECT_TRUE(second.append(bytes(500, 0)));
  }
  EXPECT_EQ(budget.left, 1500U);
}

TEST(Spool, ATemporaryFolderThatIsNotThereIsSaid) {
  SpoolBudget budget{10u << 20};
  Spool spool(budget);
  ::setenv("TMPDIR", "/proc/self", 1);
  const auto refused = spool.append(bytes(Spool::kInMemory + 1, 0));
  ::unsetenv("TMPDIR");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().detail.find("TMPDIR"), std::string::npos);
}

}  // namespace
}  // namespace kadenza::middleware
