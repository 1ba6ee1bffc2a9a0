// SPDX-License-Identifier: AGPL-3.0-or-later
// The laws of merging for whole documents, over random histories. A failure prints its seed.
#include "distributed/documents/document.hpp"

#include <array>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "core/random.hpp"
#include "distributed/documents/codec.hpp"

namespace kadenza::distributed::documents {
namespace {

constexpr std::uint64_t kSeeds = 1500;
constexpr std::size_t kReplicas = 3;

std::string few(core::Random& random) {
  return fmt::format("k{}", random.below(4));
}

void write(Document& document, core::Random& random, crdt::Stamp stamp) {
  if (document.removed) return;
  switch (random.below(20)) {
    case 0:
      document.remove(stamp);
      return;
    case 1:
    case 2:
      document.fields.remove(few(random), stamp);
      break;
    case 3:
    case 4:
      document.members.remove(few(random));
      break;
    case 5:
    case 6:
    case 7:
      document.members.add(few(random), stamp);
      break;
    case 8:
    case 9:
      document.counters[few(random)].add(stamp.writer, random.below(5));
      break;
    case 10:
    case 11:
    case 12:
      document.items.insert(random.below(4), few(random), stamp);
      break;
    default:
      document.fields.put(few(random), few(random), stamp);
  }
  document.writes.add(stamp);
}

std::array<Document, kReplicas> history(std::uint64_t seed) {
  core::SeededRandom random(seed);
  std::array<Document, kReplicas> replicas;
  std::array<crdt::HybridClock, kReplicas> clocks{crdt::HybridClock(1), crdt::HybridClock(2),
                                                  crdt::HybridClock(3)};
  core::WallTime now{std::chrono::days(20'000)};
  for (auto steps = random.below(24); steps > 0; --steps) {
    const auto at = random.below(kReplicas);
    now += std::chrono::milliseconds(random.below(3));
    if (random.below(3) == 0) {
      replicas[at].merge(replicas[random.below(kReplicas)]);
    } else {
      write(replicas[at], random, clocks[at].tick(now));
    }
  }
  return replicas;
}

Document joined(Document a, const Document& b) {
  const Document before = a;
  const bool changed = a.merge(b);
  EXPECT_EQ(changed, a != before) << "merge() must say whether it brought anything";
  return a;
}

TEST(Document, MergingIsCommutativeAssociativeAndIdempotent) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const auto [a, b, c] = history(seed);
    ASSERT_EQ(encode(joined(a, b)), encode(joined(b, a))) << "seed " << seed;
    ASSERT_EQ(encode(joined(joined(a, b), c)), encode(joined(a, joined(b, c)))) << "seed " << seed;
    ASSERT_EQ(encode(joined(joined(a, b), b)), encode(joined(a, b))) << "seed " << seed;
  }
}

TEST(Document, BytesHoldAllOfIt) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    for (const auto& document : history(seed)) {
      const auto bytes = encode(document);
      const auto again = decode(bytes);
      ASSERT_TRUE(again) << again.error().detail << ", seed " << seed;
      ASSERT_TRUE(*again == document) << "seed " << seed;
      ASSERT_EQ(encode(*again), bytes) << "seed " << seed;
    }
  }
}

TEST(Document, DamagedBytesAreRefusedOrUnderstoodNeverFatal) {
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    core::SeededRandom random(seed);
    auto bytes = encode(history(seed)[0]);
    bytes[random.below(bytes.size())] ^= static_cast<char>(1 + random.below(255));
    if (const auto document = decode(bytes)) {
      auto merged = history(seed)[1];
      merged.merge(*document);
      ASSERT_TRUE(decode(encode(merged))) << "seed " << seed;
    }
  }
}

TEST(Document, WhatIsTooLargeIsRefused) {
  const auto refused = decode(std::string(kDocumentBytesMax + 1, '\0'));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, core::Errc::kCorrupted);
}

TEST(Document, ARemovalIsFinalAndWinsOverLaterChanges) {
  Document removed, changed;
  removed.fields.put("title", "Summer", {crdt::hybrid_time(core::WallTime(std::chrono::days(1))), 1});
  changed = removed;
  removed.remove({crdt::hybrid_time(core::WallTime(std::chrono::days(2))), 1});
  changed.fields.put("title", "Winter", {crdt::hybrid_time(core::WallTime(std::chrono::days(3))), 2});
  EXPECT_TRUE(changed.merge(removed));
  EXPECT_EQ(changed, removed);
  EXPECT_EQ(changed.fields.find("title"), nullptr);
  EXPECT_FALSE(changed.is_forgotten(core::WallTime(std::chrono::days(2))));
  EXPECT_TRUE(changed.is_forgotten(core::WallTime(std::chrono::days(2)) + std::chrono::seconds(1)));
}

TEST(Document, ForgettingRemovalsKeepsWhatIsThere) {
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    auto document = history(seed)[0];
    if (document.removed) continue;
    const auto before = document;
    document.forget_removals(core::WallTime(std::chrono::days(30'000)));
    EXPECT_EQ(document.members.elements(), before.members.elements()) << "seed " << seed;
    EXPECT_EQ(document.items.items(), before.items.items()) << "seed " << seed;
    EXPECT_EQ(document.counters, before.counters) << "seed " << seed;
    for (const auto& [key, entry] : before.fields.entries()) {
      EXPECT_EQ(document.fields.find(key) != nullptr, entry.value.has_value()) << "seed " << seed;
    }
    EXPECT_TRUE(document.writes.times().empty()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace kadenza::distributed::documents
