// SPDX-License-Identifier: AGPL-3.0-or-later
// The laws of merging, over random histories. A failure prints its seed; seeds count up from 1 and histories
// are short, so the smallest failing one is easily read.
#include <array>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "core/random.hpp"
#include "distributed/crdt/codec.hpp"

namespace kadenza::distributed::crdt {
namespace {

constexpr std::uint64_t kSeeds = 3000;
constexpr std::size_t kReplicas = 3;

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

/// Replicas that write and sometimes hear of each other; the seed decides what, and how wrong their clocks
/// are.
template <class State>
std::array<State, kReplicas> history(std::uint64_t seed) {
  core::SeededRandom random(seed);
  std::array<State, kReplicas> replicas;
  std::array<HybridClock, kReplicas> clocks{HybridClock(1), HybridClock(2), HybridClock(3)};
  core::WallTime now{std::chrono::days(20000)};
  for (auto steps = random.below(24); steps > 0; --steps) {
    const auto at = random.below(kReplicas);
    now += std::chrono::milliseconds(random.below(3));
    if (random.below(3) == 0) {
      replicas[at].merge(replicas[random.below(kReplicas)]);
    } else {
      write(replicas[at], random, clocks[at].tick(now + std::chrono::milliseconds(at * random.below(5))));
    }
  }
  return replicas;
}

template <class State>
State joined(State a, const State& b) {
  const State before = a;
  const bool changed = a.merge(b);
  EXPECT_EQ(changed, a != before) << "merge() must say whether it brought anything";
  return a;
}

template <class State>
class MergeLaws : public testing::Test {};

using States = testing::Types<LwwMap, FinalMap, AddWinsSet, Counter, OrderedList>;
TYPED_TEST_SUITE(MergeLaws, States);

TYPED_TEST(MergeLaws, CommutativeAssociativeIdempotent) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const auto [a, b, c] = history<TypeParam>(seed);
    ASSERT_EQ(encode(joined(a, b)), encode(joined(b, a))) << "not commutative, seed " << seed;
    ASSERT_EQ(encode(joined(joined(a, b), c)), encode(joined(a, joined(b, c))))
        << "not associative, seed " << seed;
    ASSERT_EQ(encode(joined(a, a)), encode(a)) << "not idempotent, seed " << seed;
    ASSERT_EQ(encode(joined(joined(a, b), b)), encode(joined(a, b))) << "not idempotent, seed " << seed;
  }
}

TYPED_TEST(MergeLaws, BytesHoldTheWholeState) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    for (const TypeParam& state : history<TypeParam>(seed)) {
      const std::string bytes = encode(state);
      const auto again = decode<TypeParam>(bytes);
      ASSERT_TRUE(again) << again.error().detail << ", seed " << seed;
      ASSERT_TRUE(*again == state) << "seed " << seed;
      ASSERT_EQ(encode(*again), bytes) << "seed " << seed;
    }
  }
}

TYPED_TEST(MergeLaws, DamagedBytesAreRefusedOrUnderstoodNeverFatal) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    core::SeededRandom random(seed);
    std::string bytes = encode(history<TypeParam>(seed)[0]);
    if (bytes.empty()) continue;
    bytes[random.below(bytes.size())] ^= static_cast<char>(1 + random.below(255));
    if (const auto state = decode<TypeParam>(bytes)) {
      TypeParam merged = history<TypeParam>(seed)[1];
      merged.merge(*state);
      ASSERT_TRUE(decode<TypeParam>(encode(merged))) << "seed " << seed;
    }
  }
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
