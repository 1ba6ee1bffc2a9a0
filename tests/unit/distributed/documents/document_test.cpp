// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/documents/document.hpp"

#include <chrono>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "core/random.hpp"
#include "distributed/documents/codec.hpp"
#include "support/merge_laws.hpp"

namespace kadenza::distributed::documents {
namespace {

constexpr std::uint64_t kSeeds = 1500;

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

constexpr auto kDecode = [](std::string_view bytes) { return decode(bytes); };

TEST(Document, MergingIsCommutativeAssociativeAndIdempotent) {
  kadenza::testing::expect_merge_laws<Document>(kSeeds, write);
}

TEST(Document, BytesHoldAllOfIt) {
  kadenza::testing::expect_bytes_hold_the_whole_state<Document>(kSeeds, write, kDecode);
}

TEST(Document, DamagedBytesAreRefusedOrUnderstoodNeverFatal) {
  kadenza::testing::expect_damaged_bytes_do_no_harm<Document>(500, write, kDecode);
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
    auto document = kadenza::testing::history<Document>(seed, write)[0];
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
