// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/replication/further_copies.hpp"

#include <gtest/gtest.h>

#include "support/temporary_folder.hpp"
#include "world.hpp"

namespace kadenza::distributed::replication {
namespace {

class FurtherCopiesTest : public ::testing::Test {
 public:
  FurtherCopiesTest() {
    audio = pretended_audio("Hit", "Artist", "Album", 0, 900'000);
    id = world.must_upload(0, audio).song.id;
    world.engine.run_for(5s);
    order = world.order(id);
    for (auto& node : world.nodes) {
      auto& process = node.process();
      auto& copies = further_copies.emplace_back(
          FurtherCopies::Parts{.directory = *process.directory,
                               .peers = *process.peers,
                               .songs = process.store,
                               .demand = process.demand,
                               .cache = process.cache.get(),
                               .clock = process.clock,
                               .timers = world.timers,
                               .strand = world.coroutines.context().get_executor(),
                               .settings = world.settings},
          process.remote_songs);
      copies.add_methods(process.handlers);
      copies.start();
    }
  }
  ~FurtherCopiesTest() override {
    auto stop = [](FurtherCopies& copies) -> core::Task<bool> {
      co_await copies.stop();
      co_return true;
    };
    for (auto& copies : further_copies) world.wait(stop(copies));
  }

  /// One listener of another network hears it whole, from that node.
  core::Task<Result<Bytes>> read(std::size_t from) {
    auto& process = world.nodes[order.back()].process();
    Bytes all;
    while (all.size() < audio.size()) {
      const core::ByteRange range{all.size(),
                                  std::min<std::uint64_t>(peers::kPieceBytes, audio.size() - all.size())};
      auto piece = co_await process.replicas.read(world.contact(order[from]), id, range, false,
                                                  world.engine.now() + 10s);
      if (!piece) co_return std::unexpected(piece.error());
      told = piece->copies;
      all.insert(all.end(), piece->bytes.begin(), piece->bytes.end());
    }
    co_return all;
  }
  /// Each holder is read from so often in a minute, for three minutes.
  void listen(int per_minute) {
    for (int i = 0; i < 3 * per_minute; ++i) {
      for (std::size_t holder = 0; holder < 3; ++holder) EXPECT_TRUE(world.wait(read(holder)));
      world.engine.run_for(60'000ms / per_minute);
    }
  }

  kadenza::testing::TemporaryFolder folder;
  World world{12, 1, World::Options{.caches = folder.path()}};
  std::deque<FurtherCopies> further_copies;
  Bytes audio;
  core::SongId id;
  std::vector<std::size_t> order;
  std::uint32_t told = 0;
};

TEST_F(FurtherCopiesTest, WhatManyHearIsCopiedToTheNextRanksWhichCountAsNoReplicas) {
  EXPECT_EQ(world.wait(read(3)).error().code, Errc::kNotFound);
  listen(10);
  ASSERT_EQ(world.wait(read(0)), audio);
  EXPECT_GE(told, 5u);
  EXPECT_EQ(world.wait(read(3)), audio);
  EXPECT_EQ(world.wait(read(4)), audio);
  EXPECT_EQ(world.holding(id).size(), 3u);
}

TEST_F(FurtherCopiesTest, WhatFewHearIsNot) {
  listen(3);
  ASSERT_EQ(world.wait(read(0)), audio);
  EXPECT_EQ(told, 0u);
  EXPECT_EQ(world.wait(read(3)).error().code, Errc::kNotFound);
}

TEST_F(FurtherCopiesTest, ReadersHearOfNoCopyThatIsNotThere) {
  world.hang(order[3]);
  listen(10);
  ASSERT_EQ(world.wait(read(0)), audio);
  EXPECT_EQ(told, 0u);  // ranks in a row: the fifth may have it, the fourth has not
  world.hang(order[3], false);
  listen(10);
  ASSERT_EQ(world.wait(read(0)), audio);
  EXPECT_GE(told, 5u);
}

TEST_F(FurtherCopiesTest, NobodyHearsOfThemWhenTheListenersHaveGone) {
  listen(10);
  world.engine.run_for(30min);
  ASSERT_EQ(world.wait(read(0)), audio);
  EXPECT_EQ(told, 0u);
}

}  // namespace
}  // namespace kadenza::distributed::replication
