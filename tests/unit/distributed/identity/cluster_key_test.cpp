// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/identity/cluster_key.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "support/temporary_folder.hpp"

namespace kadenza::distributed::identity {
namespace {

TEST(KeyRing, TheFirstNodeMakesAKeyThatOnlyItsOwnerMayRead) {
  const kadenza::testing::TemporaryFolder folder;
  const auto file = folder.path() / "cluster.key";
  EXPECT_EQ(KeyRing::load(file).error().code, core::Errc::kNotFound);
  const auto made = KeyRing::load_or_create(file);
  ASSERT_TRUE(made);
  struct stat status {};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_EQ(KeyRing::load(file)->keys, made->keys);
  EXPECT_EQ(KeyRing::load_or_create(file)->keys, made->keys);
  ASSERT_EQ(::chmod(file.c_str(), 0640), 0);
  EXPECT_EQ(KeyRing::load(file).error().code, core::Errc::kForbidden);
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
  EXPECT_EQ(KeyRing::parse(ring.text())->keys, ring.keys);
}

TEST(KeyRing, RefusesWhatIsNone) {
  const std::string good = KeyRing{{ClusterKey::generate()}}.text();
  for (const std::string& text :
       {std::string(), std::string("kadenza-cluster-keys 1\n"), "kadenza-cluster-keys 2\n" + good.substr(23),
        good.substr(0, good.size() - 3), good + "x\n", good + "\n"}) {
    EXPECT_EQ(KeyRing::parse(text).error().code, core::Errc::kCorrupted) << text;
  }
}

}  // namespace
}  // namespace kadenza::distributed::identity
