// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/repair/comparison.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>

#include "core/random.hpp"
#include "distributed/repair/methods.hpp"
#include "distributed/repair/repair_messages.hpp"
#include "sim/coroutines.hpp"
#include "sim/engine.hpp"
#include "tests/unit/distributed/repair/songs.hpp"

namespace kadenza::distributed::repair {
namespace {

/// The other node, and what the conversation with it cost.
class OtherNode final : public peers::Peers {
 public:
  core::Task<core::Result<std::string>> call(kademlia::Contact, std::string_view, std::string request,
                                             core::Deadline) override {
    ++calls;
    bytes += request.size();
    v1::CompareRequest asked;
    EXPECT_TRUE(asked.ParseFromString(request));
    const auto all = held->partitions();
    auto reply = answer_comparison(asked, *held, shared ? *shared : all);
    if (!reply) co_return std::unexpected(reply.error());
    if (spoil) spoil(*reply);
    auto encoded = reply->SerializeAsString();
    bytes += encoded.size();
    co_return encoded;
  }

  std::optional<HeldCopies> held{std::in_place, 16};
  std::optional<std::vector<placement::Partition>> shared;  ///< none: all
  std::function<void(v1::CompareReply&)> spoil;
  std::size_t calls = 0;
  std::size_t bytes = 0;
};

class ComparisonTest : public testing::Test {
 protected:
  core::Result<Differences> compare(std::size_t limit = 1'000'000) {
    std::optional<core::Result<Differences>> result;
    const auto all = held->partitions();
    auto run = [&]() -> core::Task<void> {
      TreeComparison comparison(
          {.ask = [this](kademlia::Contact to, v1::CompareRequest request,
                         core::Deadline by) { return peers::call(other, to, std::move(request), by); },
           .held = *held,
           .shared = all,
           .clock = clock,
           .limit = limit,
           .postponed = postponed});
      result = co_await comparison.with({});
    };
    boost::asio::co_spawn(coroutines.context(), run(), boost::asio::detached);
    engine.run();
    return std::move(*result);
  }
  void both(std::uint64_t first, std::uint64_t end) {
    for (auto i = first; i < end; ++i) {
      held->put(numbered_song(i));
      other.held->put(numbered_song(i));
    }
  }

  sim::Engine engine{1};
  sim::Coroutines coroutines{engine};
  sim::SimClock clock{engine};
  std::optional<HeldCopies> held{std::in_place, 16};
  OtherNode other;
  std::function<bool(const core::SongId&)> postponed;
};

TEST_F(ComparisonTest, WhatIsEqualCostsOneSmallCall) {
  both(0, 20'000);
  const auto found = compare();
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->missing.empty());
  EXPECT_TRUE(found->lacking.empty());
  EXPECT_EQ(other.calls, 1U);
  EXPECT_LE(other.bytes, 100U);
}

TEST_F(ComparisonTest, OneDifferenceAmongManyIsFoundInAFewCalls) {
  both(0, 20'000);
  other.held->put(numbered_song(777'777));
  const auto found = compare();
  ASSERT_TRUE(found);
  ASSERT_EQ(found->missing.size(), 1U);
  EXPECT_EQ(found->missing[0], held_song(numbered_song(777'777)));
  EXPECT_EQ(found->bytes, numbered_song(777'777).size);
  EXPECT_LE(other.calls, 5U);
  EXPECT_LE(other.bytes, 16'000U);
}

TEST_F(ComparisonTest, FindsExactlyTheDifferences) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    core::SeededRandom random(seed);
    const auto bits = static_cast<unsigned>(random.below(20));
    held.emplace(bits);
    other.held.emplace(bits);
    std::set<core::SongId> missing, lacking;
    std::uint64_t bytes = 0;
    const auto songs = 1 + random.below(3000);
    const auto odds = 1 + random.below(40);
    for (std::uint64_t i = 0; i < songs; ++i) {
      const auto song = numbered_song(seed * 1'000'000 + i);
      switch (random.below(odds)) {
        case 0:
          other.held->put(song);
          missing.insert(song.id);
          bytes += song.size;
          break;
        case 1:
          held->put(song);
          lacking.insert(song.id);
          break;
        case 2: {
          held->put(song);
          other.held->put(song_with(song.id, 2, song.size));
          missing.insert(song.id);
          bytes += song.size;
          break;
        }
        default:
          held->put(song);
          other.held->put(song);
      }
    }
    const auto found = compare();
    ASSERT_TRUE(found);
    std::set<core::SongId> found_missing;
    for (const auto& song : found->missing) found_missing.insert(song.version.id);
    EXPECT_EQ(found_missing, missing) << seed;
    EXPECT_EQ(std::set(found->lacking.begin(), found->lacking.end()), lacking) << seed;
    EXPECT_EQ(found->bytes, bytes) << seed;
    EXPECT_FALSE(found->more);
  }
}

TEST_F(ComparisonTest, OfManyDifferencesTheFirstAreNamedAndTheRestEstimated) {
  std::uint64_t bytes = 0;
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    other.held->put(numbered_song(i));
    bytes += numbered_song(i).size;
  }
  const auto found = compare(500);
  ASSERT_TRUE(found);
  EXPECT_GE(found->missing.size(), 500U);
  EXPECT_LE(found->missing.size(), 500U + kBranchesPerCall * kSongsPerLeaf);
  EXPECT_TRUE(found->more);
  EXPECT_EQ(found->bytes, bytes);
}

TEST_F(ComparisonTest, WhatIsPostponedDoesNotHideTheRest) {
  std::set<core::SongId> later;
  for (std::uint64_t i = 0; i < 5000; ++i) {
    other.held->put(numbered_song(i));
    if (i % 100 != 0) later.insert(numbered_song(i).id);
  }
  postponed = [&](const core::SongId& id) { return later.contains(id); };
  const auto found = compare(500);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->missing.size(), 50U);
}

TEST_F(ComparisonTest, OnlySharedPartitionsAreCompared) {
  both(0, 1000);
  for (std::uint64_t i = 5000; i < 6000; ++i) other.held->put(numbered_song(i));
  const auto shared = held->partitions();
  other.shared = shared;
  const auto found = compare();
  ASSERT_TRUE(found);
  for (const auto& song : found->missing)
    EXPECT_TRUE(std::ranges::binary_search(shared, placement::partition_of(song.version.id, 16)));
}

TEST_F(ComparisonTest, NonsenseFromTheOtherNodeIsRefused) {
  for (std::uint64_t i = 0; i < 1000; ++i) other.held->put(numbered_song(i));
  const auto refuses = [&](std::function<void(v1::CompareReply&)> spoil) {
    other.spoil = std::move(spoil);
    return !compare();
  };
  EXPECT_TRUE(refuses([](auto& reply) { reply.clear_comparisons(); }));
  EXPECT_TRUE(refuses([](auto& reply) { reply.add_comparisons(); }));
  EXPECT_TRUE(refuses([](auto& reply) {
    auto& comparison = *reply.mutable_comparisons(0);
    if (comparison.children_size() > 0) comparison.mutable_children(0)->set_digits(9);
  }));
  EXPECT_TRUE(refuses([](auto& reply) {
    auto& comparison = *reply.mutable_comparisons(0);
    if (comparison.children_size() > 1) comparison.mutable_children()->SwapElements(0, 1);
  }));
  EXPECT_TRUE(refuses([](auto& reply) {
    auto& comparison = *reply.mutable_comparisons(0);
    comparison.clear_children();
    comparison.set_songs(std::string(47, 'x'));
  }));
  EXPECT_TRUE(refuses([](auto& reply) {  // in no order, and too many
    auto& comparison = *reply.mutable_comparisons(0);
    comparison.clear_children();
    comparison.set_songs(std::string(48 * 2, 'x'));
  }));
  EXPECT_FALSE(refuses({}));
}

TEST_F(ComparisonTest, NonsenseFromACallerIsRefused) {
  EXPECT_FALSE(answer_comparison({}, *held, held->partitions()));
  v1::CompareRequest many;
  for (std::size_t i = 0; i <= kBranchesPerCall; ++i) to_message(Branch{}, Summary{}, *many.add_branches());
  EXPECT_FALSE(answer_comparison(many, *held, held->partitions()));
  v1::CompareRequest wrong;
  to_message(Branch{}, Summary{}, *wrong.add_branches());
  EXPECT_TRUE(answer_comparison(wrong, *held, held->partitions()));
  wrong.mutable_branches(0)->set_digits(65);
  EXPECT_FALSE(answer_comparison(wrong, *held, held->partitions()));
  wrong.mutable_branches(0)->set_digits(0);
  wrong.mutable_branches(0)->set_sum("short");
  EXPECT_FALSE(answer_comparison(wrong, *held, held->partitions()));
}

}  // namespace
}  // namespace kadenza::distributed::repair
