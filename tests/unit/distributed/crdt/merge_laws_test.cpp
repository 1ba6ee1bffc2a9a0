// SPDX-License-Identifier: AGPL-3.0-or-later
// The laws of merging for each kind of state (tests/support/merge_laws.hpp), and what some must come to.
#include "support/merge_laws.hpp"

#include <array>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "core/random.hpp"
#include "distributed/crdt/codec.hpp"

namespace kadenza::distributed::crdt {
namespace {

constexpr std::uint64_t kSeeds = 3000;
using kadenza::testing::expect_bytes_hold_the_whole_state;
using kadenza::testing::expect_damaged_bytes_do_no_harm;
using kadenza::testing::expect_merge_laws;
using kadenza::testing::joined;
using kadenza::testing::kReplicas;

/// Few keys, so that writers meet.
std::string few(core::Random& random) {
  return fmt::format("k{}", random.below(4));
}
std::string any(core::Random& random) {
  return fmt::format("v{}", random.below(1000));
}

void write(LwwMap& map, core::Random& random, Stamp stamp) {
  if (random.below(3) == 0) {
    map.remove(few(random), stamp);
  } else {
    map.put(few(random), any(random), stamp);
  }
}

void write(FinalMap& map, core::Random& random, Stamp stamp) {
  if (random.below(6) == 0) {
    map.remove(few(random), stamp);
  } else {
    map.put(few(random), any(random), stamp);
  }
}

void write(AddWinsSet& set, core::Random& random, Stamp stamp) {
  if (random.below(3) == 0) {
    set.remove(few(random));
  } else {
    set.add(few(random), stamp);
  }
}

void write(Counter& counter, core::Random& random, Stamp stamp) {
  if (random.below(3) == 0) {
    counter.subtract(stamp.writer, random.below(10));
  } else {
    counter.add(stamp.writer, random.below(10));
  }
}

void write(OrderedList& list, core::Random& random, Stamp stamp) {
  const auto order = list.in_order();
  const auto choice = random.below(4);
  if (order.empty() || choice <= 1) return list.insert(random.below(order.size() + 1), any(random), stamp);
  const Stamp id = order[random.below(order.size())].id;
  if (choice == 2) {
    list.move(id, random.below(order.size()), stamp);
  } else {
    list.remove(id);
  }
}

constexpr auto kWrite = [](auto& state, core::Random& random, Stamp stamp) { write(state, random, stamp); };

template <class State>
class MergeLaws : public ::testing::Test {};

using States = ::testing::Types<LwwMap, FinalMap, AddWinsSet, Counter, OrderedList>;
TYPED_TEST_SUITE(MergeLaws, States);

TYPED_TEST(MergeLaws, CommutativeAssociativeIdempotent) {
  expect_merge_laws<TypeParam>(kSeeds, kWrite);
}

TYPED_TEST(MergeLaws, BytesHoldTheWholeState) {
  expect_bytes_hold_the_whole_state<TypeParam>(kSeeds, kWrite, decode<TypeParam>);
}

TYPED_TEST(MergeLaws, DamagedBytesAreRefusedOrUnderstoodNeverFatal) {
  expect_damaged_bytes_do_no_harm<TypeParam>(300, kWrite, decode<TypeParam>);
}

/// Against a model: what the histories must come to, told without merging.
TEST(MergeMeaning, TheLastWriteWinsEverywhere) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    core::SeededRandom random(seed);
    std::array<LwwMap, kReplicas> replicas;
    std::map<std::string, LwwMap::Entry> last;
    for (std::uint64_t time = 1; time < 16; ++time) {
      const auto at = random.below(kReplicas);
      const Stamp stamp{random.below(8), time};
      const std::string key = few(random);
      const std::string value = any(random);
      const bool removed = random.below(3) == 0;
      removed ? replicas[at].remove(key, stamp) : replicas[at].put(key, value, stamp);
      if (last[key].stamp < stamp) last[key] = {stamp, removed ? std::nullopt : std::optional(value)};
    }
    const LwwMap all = joined(joined(replicas[0], replicas[1]), replicas[2]);
    for (const auto& [key, entry] : last) {
      const std::string* found = all.find(key);
      ASSERT_EQ(found ? std::optional(*found) : std::nullopt, entry.value) << "seed " << seed;
    }
  }
}

TEST(MergeMeaning, TheCounterLosesAndRepeatsNothing) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    core::SeededRandom random(seed);
    std::array<Counter, kReplicas> replicas;
    std::int64_t total = 0;
    for (int i = 0; i < 20; ++i) {
      const auto at = random.below(kReplicas);
      const auto amount = random.below(10);
      switch (random.below(3)) {
        case 0:
          replicas[at].merge(replicas[random.below(kReplicas)]);
          break;
        case 1:
          replicas[at].add(at, amount);
          total += static_cast<std::int64_t>(amount);
          break;
        default:
          replicas[at].subtract(at, amount);
          total -= static_cast<std::int64_t>(amount);
      }
    }
    ASSERT_EQ(joined(joined(replicas[0], replicas[1]), replicas[2]).value(), total) << "seed " << seed;
  }
}

}  // namespace
}  // namespace kadenza::distributed::crdt
