// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/repair/held_copies.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "core/random.hpp"
#include "tests/unit/distributed/repair/songs.hpp"

namespace kadenza::distributed::repair {
namespace {

TEST(Branch, ChildrenDivideItsIds) {
  const Branch branch = Branch{}.child(0xa).child(3).child(0xf);
  EXPECT_EQ(branch.digits, 3U);
  EXPECT_EQ(branch.first.bytes[0], 0xa3);
  EXPECT_EQ(branch.first.bytes[1], 0xf0);
  EXPECT_EQ(branch.last().bytes[1], 0xff);
  EXPECT_EQ(branch.last().bytes[31], 0xff);
  core::SeededRandom random(1);
  for (int i = 0; i < 1000; ++i) {
    auto id = branch.first;
    for (std::size_t at = 2; at < id.bytes.size(); ++at)
      id.bytes[at] = static_cast<std::uint8_t>(random.below(256));
    int owners = 0;
    for (unsigned digit = 0; digit < Branch::kChildren; ++digit)
      owners += branch.child(digit).contains(id) ? 1 : 0;
    EXPECT_EQ(owners, 1);
  }
}

TEST(Branch, OthersThanZerosBehindTheDigitsAreFound) {
  Branch branch = Branch{}.child(7);
  EXPECT_TRUE(branch.is_valid());
  branch.first.bytes[0] |= 1;
  EXPECT_FALSE(branch.is_valid());
  EXPECT_FALSE((Branch{{}, 65}).is_valid());
  EXPECT_TRUE((Branch{{}, 64}).is_valid());
}

/// The digest of a branch is that of its songs, whatever was written, and in which order.
class Partitioned : public testing::TestWithParam<unsigned> {};

TEST_P(Partitioned, EveryBranchSumsUpItsSongs) {
  core::SeededRandom random(GetParam() + 1);
  HeldCopies held(GetParam());
  std::map<core::SongId, core::Song> truth;
  for (int i = 0; i < 3000; ++i) {
    const auto song = numbered_song(random.below(2000), random.below(3));
    held.put(song);
    truth[song.id] = song;
  }
  const auto all = held.partitions();
  for (unsigned round = 0; round < 300; ++round) {
    Branch branch;
    for (auto digits = random.below(6); digits > 0; --digits)
      branch = branch.child(static_cast<unsigned>(random.below(16)));
    Summary expected;
    std::size_t count = 0;
    for (const auto& [id, song] : truth) {
      if (!branch.contains(id)) continue;
      ++count;
      expected.songs.add(held_song(song).version);
      expected.bytes += song.size;
    }
    ASSERT_EQ(held.summary(branch, all), expected) << branch.digits;
    ASSERT_EQ(held.songs(branch, all).size(), count);
  }
}

TEST_P(Partitioned, OnlyChosenPartitionsCount) {
  HeldCopies held(GetParam()), more(GetParam());
  Summary expected;
  for (std::uint64_t i = 0; i < 1000; ++i) more.put(numbered_song(i));
  auto odd = more.partitions();  // of some of which nothing is held
  std::erase_if(odd, [](const auto& partition) { return partition.key.bytes[0] % 2 == 0; });
  for (std::uint64_t i = 0; i < 500; ++i) {
    const auto song = numbered_song(i);
    held.put(song);
    if (!std::ranges::binary_search(odd, placement::partition_of(song.id, GetParam()))) continue;
    expected.songs.add(held_song(song).version);
    expected.bytes += song.size;
  }
  EXPECT_EQ(held.summary({}, odd), expected);
}

INSTANTIATE_TEST_SUITE_P(Bits, Partitioned, testing::Values(0U, 4U, 6U, 8U, 16U));

TEST(HeldCopies, WhatIsOlderThanAWriteDoesNotUndoIt) {
  HeldCopies held(16);
  held.put(numbered_song(1, 2));
  held.put_if_absent(numbered_song(1, 1));
  EXPECT_EQ(held.find(numbered_song(1).id), held_song(numbered_song(1, 2)));
  EXPECT_EQ(held.total().songs.count, 1U);
}

TEST(HeldCopies, WhatWasErasedLeavesNothing) {
  HeldCopies held(16);
  held.put(numbered_song(1));
  const auto before = held.total();
  held.put(numbered_song(2));
  EXPECT_EQ(held.partitions().size(), 2U);
  held.erase(held_song(numbered_song(2, 5)).version);
  EXPECT_TRUE(held.find(numbered_song(2).id)) << "another version was meant";
  held.erase(held_song(numbered_song(2)).version);
  held.erase(held_song(numbered_song(3)).version);
  EXPECT_EQ(held.total(), before);
  EXPECT_EQ(held.partitions().size(), 1U);
  EXPECT_FALSE(held.find(numbered_song(2).id));
}

TEST(HeldCopies, TheNextOnesAreAllOfThem) {
  HeldCopies held(8);
  std::set<core::SongId> ids;
  for (std::uint64_t i = 0; i < 700; ++i) {
    held.put(numbered_song(i));
    ids.insert(numbered_song(i).id);
  }
  std::set<core::SongId> seen;
  for (auto next = held.next_after({}); next; next = held.next_after(next->version.id)) {
    EXPECT_TRUE(seen.empty() || *seen.rbegin() < next->version.id);
    seen.insert(next->version.id);
  }
  EXPECT_EQ(seen, ids);
}

}  // namespace
}  // namespace kadenza::distributed::repair
