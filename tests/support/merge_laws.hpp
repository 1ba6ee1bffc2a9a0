// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include <gtest/gtest.h>

#include "core/random.hpp"
#include "distributed/crdt/stamp.hpp"

/// What every replicated state must keep, over random histories. A failure prints its seed; seeds count up
/// from 1 and histories are short, so the smallest failing one is easily read. `write(state, random, stamp)`
/// makes a random change, `decode(bytes)` is the inverse of the state's encode().
namespace kadenza::testing {

inline constexpr std::size_t kReplicas = 3;

/// Replicas that write and sometimes hear of each other; the seed decides what, and how wrong their clocks
/// are.
template <class State, class Write>
std::array<State, kReplicas> history(std::uint64_t seed, Write write) {
  using distributed::crdt::HybridClock;
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

template <class State, class Write>
void expect_merge_laws(std::uint64_t seeds, Write write) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const auto [a, b, c] = history<State>(seed, write);
    ASSERT_EQ(encode(joined(a, b)), encode(joined(b, a))) << "not commutative, seed " << seed;
    ASSERT_EQ(encode(joined(joined(a, b), c)), encode(joined(a, joined(b, c))))
        << "not associative, seed " << seed;
    ASSERT_EQ(encode(joined(a, a)), encode(a)) << "not idempotent, seed " << seed;
    ASSERT_EQ(encode(joined(joined(a, b), b)), encode(joined(a, b))) << "not idempotent, seed " << seed;
  }
}

template <class State, class Write, class Decode>
void expect_bytes_hold_the_whole_state(std::uint64_t seeds, Write write, Decode decode) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    for (const State& state : history<State>(seed, write)) {
      const std::string bytes = encode(state);
      const auto again = decode(bytes);
      ASSERT_TRUE(again) << again.error().detail << ", seed " << seed;
      ASSERT_TRUE(*again == state) << "seed " << seed;
      ASSERT_EQ(encode(*again), bytes) << "seed " << seed;
    }
  }
}

template <class State, class Write, class Decode>
void expect_damaged_bytes_do_no_harm(std::uint64_t seeds, Write write, Decode decode) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    core::SeededRandom random(seed);
    const auto replicas = history<State>(seed, write);
    std::string bytes = encode(replicas[0]);
    if (bytes.empty()) continue;
    bytes[random.below(bytes.size())] ^= static_cast<char>(1 + random.below(255));
    if (const auto state = decode(bytes)) {
      State merged = replicas[1];
      merged.merge(*state);
      ASSERT_TRUE(decode(encode(merged))) << "seed " << seed;
    }
  }
}

}  // namespace kadenza::testing
