// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/identity/cluster_keys.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "support/temporary_folder.hpp"

namespace kadenza::distributed::identity {
namespace {

using Stage = ClusterKeys::Stage;

bool opens(const KeyRing& ring, const ClusterKey& key) {
  return ring.find(key.id()) != nullptr;
}

/// Members of which one has `a` and the other `b` understand each other's datagrams.
void expect_understanding(const ClusterKeys& a, const ClusterKeys& b) {
  EXPECT_TRUE(opens(a.cluster, b.cluster.current()));
  EXPECT_TRUE(opens(b.cluster, a.cluster.current()));
}

TEST(KeyRing, RotationKeepsOldKeysForAWhile) {
  KeyRing ring{{ClusterKey::generate()}};
  const ClusterKey first = ring.current();
  const ClusterKey second = ClusterKey::generate();
  ring.rotate(second);
  EXPECT_EQ(ring.current(), second);
  EXPECT_EQ(*ring.find(first.id()), first);
  ring.rotate(first);
  EXPECT_EQ(ring.keys.size(), 2u) << "a key is in the ring once";
  for (std::size_t i = 0; i < 10; ++i) ring.rotate(ClusterKey::generate());
  EXPECT_EQ(ring.keys.size(), KeyRing::kKeysMax);
  EXPECT_EQ(ring.find(first.id()), nullptr);
}

TEST(ClusterKeys, AreKeptInAFileThatOnlyItsOwnerMayRead) {
  const kadenza::testing::TemporaryFolder folder;
  const auto file = folder.path() / "cluster.key";
  EXPECT_EQ(ClusterKeys::load(file).error().code, core::Errc::kNotFound);
  auto keys = ClusterKeys::generate();
  keys.begin_rotation();
  ASSERT_TRUE(keys.save(file));
  struct stat status {};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_EQ(*ClusterKeys::load(file), keys);
  ASSERT_EQ(::chmod(file.c_str(), 0640), 0);
  EXPECT_EQ(ClusterKeys::load(file).error().code, core::Errc::kForbidden);
}

TEST(ClusterKeys, AtEveryStepOfARotationNeighboursUnderstandEachOther) {
  auto keys = ClusterKeys::generate();
  const auto before = keys;
  for (const Stage stage : {Stage::kAnnounced, Stage::kSwitched, Stage::kSettled}) {
    const auto previous = keys;
    if (stage == Stage::kAnnounced) {
      keys.begin_rotation();
    } else {
      keys.advance();
    }
    EXPECT_EQ(keys.stage, stage);
    EXPECT_TRUE(keys.newer_than(previous));
    EXPECT_FALSE(previous.newer_than(keys));
    expect_understanding(keys, previous);
    EXPECT_EQ(*ClusterKeys::parse(keys.text()), keys);
  }
  EXPECT_EQ(keys.cluster.keys.size(), 1u);
  EXPECT_FALSE(opens(keys.cluster, before.cluster.current())) << "the old key is of no use any more";
  EXPECT_TRUE(opens(keys.account, before.account.current()))
      << "what it sealed can be opened and sealed anew";
  EXPECT_NE(keys.account.current(), before.account.current());
}

TEST(ClusterKeys, ARotationDuringAnotherLeavesNobodyBehind) {
  for (int steps = 0; steps <= 1; ++steps) {
    auto keys = ClusterKeys::generate();
    const auto before = keys;
    keys.begin_rotation();
    const auto first = keys;
    if (steps == 1) keys.advance();
    const auto reached = keys;
    keys.begin_rotation();
    expect_understanding(keys, reached);
    expect_understanding(keys, first);
    const auto announced = keys;
    keys.advance();
    expect_understanding(keys, announced);
    const auto switched = keys;
    keys.advance();
    expect_understanding(keys, switched);
    EXPECT_EQ(keys.stage, Stage::kSettled);
    for (const auto& key : first.cluster.keys) EXPECT_FALSE(opens(keys.cluster, key));
  }
}

TEST(ClusterKeys, OfTwoWithOneRevisionTheSameHoldsEverywhere) {
  auto one = ClusterKeys::generate();
  auto other = one;
  one.begin_rotation();
  other.begin_rotation();
  EXPECT_NE(one.newer_than(other), other.newer_than(one));
  EXPECT_FALSE(one.newer_than(one));
}

TEST(ClusterKeys, RefuseWhatIsNone) {
  const std::string good = ClusterKeys::generate().text();
  const auto changed = [&](std::string_view from, std::string_view to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  for (const std::string& text :
       {std::string(), std::string("kadenza-cluster-keys 2\n"), changed("keys 2", "keys 3"),
        changed("revision 1", "revision x"), changed("settled", "announced"), changed("settled", "unknown"),
        changed("account", "other"), good.substr(0, good.size() - 3), good + "x\n", good + "\n"}) {
    EXPECT_EQ(ClusterKeys::parse(text).error().code, core::Errc::kCorrupted) << text;
  }
}

}  // namespace
}  // namespace kadenza::distributed::identity
