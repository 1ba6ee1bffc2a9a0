// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/replication/lost_winners.hpp"

#include <gtest/gtest.h>

#include "sim/memory_row_store.hpp"
#include "world.hpp"

namespace kadenza::distributed::replication {
namespace {

core::Task<std::vector<core::Song>> lost_winners(services::library::SongStore& songs,
                                                 services::library::RowStore& rows) {
  std::vector<core::Song> found;
  co_await find_lost_winners(songs, rows, [&](core::Song winner) { found.push_back(std::move(winner)); });
  co_return found;
}

TEST(LostWinners, TheRowsThatWonOverHeldRecordsAreFound) {
  World world(2);
  sim::MemoryRowStore rows("a node");
  std::vector<core::Song> held;
  for (int i = 0; i < 600; ++i) {  // more than one page
    held.push_back(
        world.must_upload(0, pretended_audio("Song " + std::to_string(i), "Artist", "", 0, 100)).song);
  }
  rows.take(held);
  auto& store = world.nodes[0].process().store;
  EXPECT_TRUE(world.wait(lost_winners(store, rows)).empty());

  std::vector<core::Song> winners;
  for (const std::size_t which : {7U, 599U}) {
    auto& winner = winners.emplace_back(held[which]);
    winner.audio = core::sha256("another audio");
    winner.first_stored -= 1s;
  }
  auto loser = held[8];
  loser.audio = core::sha256("a later audio");
  loser.first_stored += 1s;
  rows.take(winners);
  rows.take({loser});
  auto found = world.wait(lost_winners(store, rows));
  std::ranges::sort(found, {}, &core::Song::id);
  std::ranges::sort(winners, {}, &core::Song::id);
  EXPECT_EQ(found, winners);
}

}  // namespace
}  // namespace kadenza::distributed::replication
