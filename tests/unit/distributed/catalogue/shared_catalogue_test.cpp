// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/catalogue/shared_catalogue.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "core/random.hpp"
#include "core/sha256.hpp"
#include "distributed/catalogue/catalogue_methods.hpp"
#include "distributed/catalogue/limits.hpp"
#include "distributed/catalogue/row_messages.hpp"
#include "distributed/kademlia/distance.hpp"
#include "distributed/messages/song_message.hpp"
#include "sim/coroutines.hpp"
#include "sim/engine.hpp"
#include "sim/memory_row_store.hpp"
#include "sim/peer_network.hpp"
#include "unit/services/catalogue/sample_songs.hpp"

namespace kadenza::distributed::catalogue {
namespace {

using core::Errc;
using core::Result;
using core::Song;
using kademlia::Contact;
using services::at_ms;
using services::catalogue::shard_of;
using namespace std::chrono_literals;

Song song_number(int number, std::int64_t stored_ms = 0) {
  return services::sample_song({.title = fmt::format("Title {}", number),
                                .artist = fmt::format("Artist {}", number),
                                .album = fmt::format("Album {}", number)},
                               stored_ms);
}

/// Counts calls by method, on their way to the network.
class CountedPeers final : public peers::Peers {
 public:
  explicit CountedPeers(std::unique_ptr<peers::Peers> inner) : inner_(std::move(inner)) {}
  core::Task<Result<std::string>> call(Contact to, std::string_view path, std::string request,
                                       core::Deadline deadline) override {
    ++counts[std::string(path.substr(path.rfind('/') + 1))];
    return inner_->call(std::move(to), path, std::move(request), deadline);
  }
  std::map<std::string, int> counts;

 private:
  std::unique_ptr<peers::Peers> inner_;
};

class World {
 public:
  struct Node;

  explicit World(std::size_t count, std::uint64_t seed = 1)
      : engine(seed), network(engine.random().fork()), random(seed) {
    for (std::size_t i = 0; i < count; ++i) add(i);
    for (auto& node : nodes) node->catalogue->start();
  }
  ~World() {
    for (auto& node : nodes) {
      network.set_up(node->host, false);
      wait(node->catalogue->stop());
    }
    engine.run_for(60s);  // until the calls that others waited for have ended
  }

  /// Finds whoever the asking node can reach.
  class Routing final : public placement::Routing {
   public:
    Routing(World& world, std::size_t self) : world_(world), self_(self) {}
    core::Task<Result<std::vector<placement::Found>>> nearest(kademlia::Key key, std::size_t count,
                                                              core::Deadline) override {
      std::vector<Contact> found;
      for (const auto& node : world_.nodes)
        if (node->number != self_ && world_.network.connected(world_.nodes[self_]->host, node->host))
          found.push_back(node->contact);
      std::ranges::sort(found, {}, [&](const Contact& c) { return kademlia::distance(c.id, key); });
      if (found.size() > count) found.resize(count);
      co_return std::vector<placement::Found>(found.begin(), found.end());
    }

   private:
    World& world_;
    std::size_t self_;
  };

  struct Node {
    Node(World& world, std::size_t which, core::NodeId node_id)
        : number(which),
          id(node_id),
          host(world.peers.add(node_id)),
          contact(world.peers.contact(node_id)),
          rows(fmt::format("database {}", which)),
          calls(world.peers.peers_of(host)),
          routing(world, which),
          directory(placement::Directory::create({.self = contact}, world.coroutines.context().get_executor(),
                                                 world.clock, routing)),
          random(which) {
      catalogue = SharedCatalogue::create(
          {world.coroutines.context().get_executor(),
           rows,
           calls,
           *directory,
           world.clock,
           world.timers,
           random,
           cluster::Settings{},
           [this](const Song& loser, const Song& winner) { superseded.emplace_back(loser, winner); },
           {}});
      catalogue->serve(handlers);
      world.peers.start(host, handlers);
    }

    std::size_t number;
    core::NodeId id;
    sim::HostId host;
    Contact contact;
    sim::MemoryRowStore rows;
    CountedPeers calls;
    Routing routing;
    std::shared_ptr<placement::Directory> directory;
    core::SeededRandom random;
    peers::Handlers handlers;
    std::shared_ptr<SharedCatalogue> catalogue;
    std::vector<std::pair<Song, Song>> superseded;
  };

  void add(std::size_t number) {
    nodes.push_back(std::make_unique<Node>(*this, number, kademlia::random_key(random)));
  }

  void wait(core::Task<void> task) {
    bool done = false;
    auto run = [](core::Task<void> inner, bool& over) -> core::Task<void> {
      co_await std::move(inner);
      over = true;
    };
    boost::asio::co_spawn(coroutines.context(), run(std::move(task), done), boost::asio::detached);
    while (!done && engine.step()) {
    }
    ASSERT_TRUE(done);
  }
  template <class T>
  T wait(core::Task<T> task) {
    std::optional<T> out;
    auto run = [](core::Task<T> inner, std::optional<T>& result) -> core::Task<void> {
      result = co_await std::move(inner);
    };
    boost::asio::co_spawn(coroutines.context(), run(std::move(task), out), boost::asio::detached);
    while (!out && engine.step()) {
    }
    return std::move(*out);
  }
  template <class Request>
  auto call(std::size_t from, std::size_t to, Request request) {
    return wait(peers::call(nodes[from]->calls, nodes[to]->contact, std::move(request), engine.now() + 30s));
  }

  /// A song is stored on a node, as by an upload there.
  bool upload(std::size_t node, const Song& song) {
    nodes[node]->rows.take({song});
    return wait(nodes[node]->catalogue->announce(song, engine.now() + 1s));
  }
  void announce_later(std::size_t node, const Song& song) {
    auto bring = [](std::shared_ptr<SharedCatalogue> catalogue, Song row,
                    core::Deadline deadline) -> core::Task<void> {
      co_await catalogue->announce(std::move(row), deadline);
    };
    boost::asio::co_spawn(coroutines.context(), bring(nodes[node]->catalogue, song, engine.now() + 1s),
                          boost::asio::detached);
  }
  bool everywhere(const Song& song) const {
    return std::ranges::all_of(
        nodes, [&](const auto& node) { return !network.up(node->host) || node->rows.has(song); });
  }
  /// How long it takes until every node that is up has the row.
  std::optional<core::Duration> time_until_everywhere(const Song& song, core::Duration at_most) {
    const auto begun = engine.now();
    while (!everywhere(song)) {
      if (engine.now() - begun > at_most) return std::nullopt;
      engine.run_for(10ms);
    }
    return engine.now() - begun;
  }
  bool all_equal() const {
    const auto rows = nodes.front()->rows.all();
    return std::ranges::all_of(nodes, [&](const auto& node) { return node->rows.all() == rows; });
  }

  sim::Engine engine;
  sim::Coroutines coroutines{engine};
  sim::SimClock clock{engine};
  sim::SimTimers timers{engine};
  sim::Network network;
  sim::PeerNetwork peers{engine, coroutines, network};
  core::SeededRandom random;
  std::vector<std::unique_ptr<Node>> nodes;
};

TEST(SharedCatalogue, ARowIsOnEveryNodeWithinTwoSeconds) {
  World world(7);
  world.engine.run_for(10s);
  for (int i = 0; i < 20; ++i) {
    const auto song = song_number(i, i);
    EXPECT_TRUE(world.upload(static_cast<std::size_t>(i) % 7, song));
    const auto took = world.time_until_everywhere(song, 5s);
    ASSERT_TRUE(took) << "song " << i;
    EXPECT_LT(*took, 1s) << "song " << i;
  }
}

TEST(SharedCatalogue, IdleItIsOneWaitingCallForEachFollowedNode) {
  World world(5);
  world.engine.run_for(30s);
  for (auto& node : world.nodes) node->calls.counts.clear();
  world.engine.run_for(200s);
  for (const auto& node : world.nodes) {
    EXPECT_EQ(node->catalogue->followed(), 4);
    // Each call waits 20 s, less before a comparison, which comes every 45 to 75 s.
    EXPECT_LE(node->calls.counts["Changes"], 4 * 200 / 20 + 4 * 5);
    EXPECT_LE(node->calls.counts["Digests"], 4 * 5);
    EXPECT_GE(node->calls.counts["Digests"], 4 * 2);
    EXPECT_EQ(node->calls.counts["Versions"], 0);
  }
}

TEST(SharedCatalogue, ABurstOfRowsMakesFewCalls) {
  World world(3);
  world.engine.run_for(10s);
  for (auto& node : world.nodes) node->calls.counts.clear();
  std::vector<Song> songs;
  for (int i = 0; i < 300; ++i) {
    songs.push_back(song_number(i, i));
    world.nodes[0]->rows.take({songs.back()});
    world.announce_later(0, songs.back());
    world.engine.run_for(10ms);
  }
  ASSERT_TRUE(world.time_until_everywhere(songs.back(), 3s));
  EXPECT_LT(world.nodes[1]->calls.counts["Changes"] + world.nodes[2]->calls.counts["Changes"], 200);
}

TEST(SharedCatalogue, WhenTheFollowedNodeDiesTheNextOneIsFollowed) {
  World world(6);
  world.engine.run_for(10s);
  world.network.set_up(world.nodes[0]->host, false);
  world.network.set_up(world.nodes[1]->host, false);
  world.engine.run_for(30s);
  for (int i = 0; i < 20; ++i) {
    const auto song = song_number(i, i);
    EXPECT_TRUE(world.upload(2 + static_cast<std::size_t>(i) % 4, song));
    const auto took = world.time_until_everywhere(song, 5s);
    ASSERT_TRUE(took) << "song " << i;
    EXPECT_LT(*took, 1s) << "song " << i;
  }
  world.network.set_up(world.nodes[0]->host, true);
  world.network.set_up(world.nodes[1]->host, true);
  world.engine.run_for(60s);
  EXPECT_TRUE(world.all_equal());
  EXPECT_EQ(world.nodes[0]->rows.all().size(), 20);
}

TEST(SharedCatalogue, RowsThatNobodyAnnouncedHealFromWhoeverHasThem) {
  World world(6);
  std::map<core::SongId, Song> expected;
  for (int i = 0; i < 400; ++i) {
    const auto song = song_number(i, i);
    world.nodes[static_cast<std::size_t>(i) % 6]->rows.take({song});
    expected.emplace(song.id, song);
  }
  world.engine.run_for(20s);
  EXPECT_TRUE(world.all_equal());
  EXPECT_EQ(world.nodes[0]->rows.all(), expected);
}

TEST(SharedCatalogue, ALateRowOnAnyNodeHealsAtTheNextComparison) {
  World world(6);
  world.engine.run_for(10s);
  std::vector<Song> songs;
  for (int i = 0; i < 6; ++i) {
    songs.push_back(song_number(i, i));
    world.nodes[static_cast<std::size_t>(i)]->rows.take({songs.back()});
  }
  world.engine.run_for(90s);
  for (const auto& song : songs) EXPECT_TRUE(world.everywhere(song));
}

TEST(SharedCatalogue, PagesOfVersionsCoverAShardThatHasMoreRowsThanOne) {
  World world(2);
  std::vector<Song> songs;
  for (int i = 0; i < 6000; ++i) {
    songs.push_back(
        services::sample_song({.title = fmt::format("Title {}", i), .artist = "One", .album = "Same"}, i));
    world.nodes[i % 3 == 0 ? 1 : 0]->rows.take({songs.back()});
  }
  world.engine.run_for(60s);
  EXPECT_TRUE(world.all_equal());
  EXPECT_EQ(world.nodes[1]->rows.all().size(), songs.size());
}

TEST(SharedCatalogue, AfterAPartitionTheRowStoredFirstIsOnAllNodesAndHoldersHearOfIt) {
  World world(6);
  world.engine.run_for(10s);
  for (std::size_t i = 3; i < 6; ++i) world.network.set_group(world.nodes[i]->host, 1);
  world.network.cut(0, 1);
  world.network.cut(1, 0);
  world.engine.run_for(30s);

  const auto first = song_number(1, 1000);
  auto second = song_number(1, 2000);
  second.audio = core::sha256("another recording");
  EXPECT_TRUE(world.upload(4, first));
  EXPECT_TRUE(world.upload(0, second));
  const auto only_left = song_number(2, 1), only_right = song_number(3, 2);
  EXPECT_TRUE(world.upload(1, only_left));
  EXPECT_TRUE(world.upload(5, only_right));
  world.engine.run_for(5s);
  EXPECT_TRUE(world.nodes[2]->rows.has(second));
  EXPECT_TRUE(world.nodes[3]->rows.has(first));

  world.network.heal();
  world.engine.run_for(90s);
  EXPECT_TRUE(world.all_equal());
  for (const auto& song : {first, only_left, only_right}) EXPECT_TRUE(world.everywhere(song));
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_EQ(world.nodes[i]->superseded, (std::vector{std::pair(second, first)})) << "node " << i;
  for (std::size_t i = 3; i < 6; ++i) EXPECT_TRUE(world.nodes[i]->superseded.empty()) << "node " << i;
}

TEST(SharedCatalogue, ANodeThatLostItsDiskGetsAllRowsAgainAndIsFollowedAgain) {
  World world(4);
  for (int i = 0; i < 50; ++i) world.nodes[0]->rows.take({song_number(i, i)});
  world.engine.run_for(20s);
  ASSERT_TRUE(world.all_equal());
  world.nodes[2]->rows.lose_all("a new disk");
  world.engine.run_for(90s);
  EXPECT_TRUE(world.all_equal());
  EXPECT_EQ(world.nodes[2]->rows.all().size(), 50);
  for (int i = 100; i < 120; ++i) {
    const auto song = song_number(i, i);
    EXPECT_TRUE(world.upload(2, song));
    ASSERT_TRUE(world.time_until_everywhere(song, 2s)) << i;
  }
}

TEST(SharedCatalogue, AnnouncingFailsWithoutEnoughHoldersAndSucceedsAlone) {
  World alone(1);
  alone.engine.run_for(5s);
  EXPECT_TRUE(alone.upload(0, song_number(1)));

  World world(3);
  world.engine.run_for(10s);
  world.network.set_up(world.nodes[1]->host, false);
  world.network.set_up(world.nodes[2]->host, false);
  EXPECT_FALSE(world.upload(0, song_number(1))) << "nobody else can have it yet";
  world.engine.run_for(30s);
  EXPECT_TRUE(world.upload(0, song_number(2))) << "the others are known to be silent";
}

TEST(SharedCatalogue, AnAnnouncerThatLostLearnsOfTheWinner) {
  World world(3);
  world.engine.run_for(10s);
  const auto first = song_number(1, 1000);
  auto second = song_number(1, 2000);
  second.audio = core::sha256("another recording");
  world.nodes[1]->rows.take({first});
  world.nodes[2]->rows.take({first});
  world.upload(0, second);
  EXPECT_TRUE(world.nodes[0]->rows.has(first));
  EXPECT_EQ(world.nodes[0]->superseded, (std::vector{std::pair(second, first)}));
}

TEST(SharedCatalogue, RowsThatCannotBeAreRefusedAndCounted) {
  World world(2);
  world.engine.run_for(5s);
  const auto good = song_number(1);
  auto other_id = song_number(2);
  other_id.id = song_number(3).id;
  const auto future = song_number(4, 1000LL * 3600 * 24 * 365 * 100);
  auto never = song_number(5);
  never.first_stored = {};
  v1::PutRowsRequest request;
  fill(*request.mutable_rows(), {good, other_id, future, never});
  EXPECT_TRUE(world.call(0, 1, request));
  EXPECT_EQ(world.nodes[1]->catalogue->counters().refused, 3);
  EXPECT_EQ(world.nodes[1]->rows.all().size(), 1);

  v1::PutRowsRequest many;
  fill(*many.mutable_rows(), std::vector<Song>(kRowsPerMessage + 1, good));
  EXPECT_EQ(world.call(0, 1, many).error().code, Errc::kInvalidArgument);
}

TEST(SharedCatalogue, RequestsThatCannotBeAreRefused) {
  World world(2);
  world.engine.run_for(5s);
  v1::VersionsRequest no_shard;
  no_shard.set_shard(256);
  EXPECT_EQ(world.call(0, 1, no_shard).error().code, Errc::kInvalidArgument);
  v1::DigestsRequest no_set;
  no_set.set_shards("short");
  EXPECT_EQ(world.call(0, 1, no_set).error().code, Errc::kInvalidArgument);
  v1::RowsRequest many_ids;
  many_ids.set_ids(std::string(32 * (kRowsPerMessage + 1), 'x'));
  EXPECT_EQ(world.call(0, 1, many_ids).error().code, Errc::kInvalidArgument);
}

TEST(SharedCatalogue, FewCallsOfOneNodeMayWait) {
  World world(2);
  world.engine.run_for(5s);
  const auto head = world.wait(world.nodes[1]->rows.head()).value();
  v1::ChangesRequest request;
  request.set_database({reinterpret_cast<const char*>(head.database.data()), head.database.size()});
  request.set_after(head.sequence);
  request.set_shards(pack(ShardSet().set()));
  request.set_wait_ms(15'000);
  std::vector<Errc> refused;
  for (std::size_t i = 0; i < 2 * kWaitingPerPeer; ++i) {
    auto ask = [](World& in, v1::ChangesRequest asked, std::vector<Errc>& out) -> core::Task<void> {
      const auto reply = co_await peers::call(in.nodes[0]->calls, in.nodes[1]->contact, std::move(asked),
                                              in.engine.now() + 20s);
      if (!reply) out.push_back(reply.error().code);
    };
    boost::asio::co_spawn(world.coroutines.context(), ask(world, request, refused), boost::asio::detached);
  }
  world.engine.run_for(1s);
  EXPECT_EQ(refused, std::vector(kWaitingPerPeer + 1, Errc::kTooManyRequests)) << "the follower waits, too";
  world.engine.run_for(30s);
}

class HistoryTest : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(HistoryTest, WhateverHappenedAllNodesEndWithTheSameRows) {
  World world(7, GetParam());
  core::SeededRandom chance(GetParam() * 77);
  world.network.faults.loss = 0.02;
  std::map<core::SongId, Song> expected;
  for (int step = 0; step < 120; ++step) {
    const auto which = static_cast<std::size_t>(chance.below(7));
    const auto host = world.nodes[which]->host;
    switch (chance.below(10)) {
      case 0:
        world.network.set_up(host, !world.network.up(host));
        break;
      case 1:
        world.network.set_group(host, static_cast<std::uint8_t>(chance.below(2)));
        break;
      case 2:
        world.network.cut(0, 1);
        if (chance.below(2) == 0) world.network.cut(1, 0);
        break;
      case 3:
        world.network.heal();
        break;
      default: {
        auto song =
            song_number(static_cast<int>(chance.below(60)), static_cast<std::int64_t>(chance.below(100'000)));
        song.audio = core::sha256(fmt::format("{}", chance.next()));
        const auto [there, added] = expected.emplace(song.id, song);
        if (!added && services::catalogue::wins_over(song, there->second)) there->second = song;
        world.upload(which, song);
      }
    }
    world.engine.run_for(std::chrono::milliseconds(chance.below(4000)));
  }
  world.network.heal();
  for (const auto& node : world.nodes) world.network.set_up(node->host, true);
  world.engine.run_for(180s);
  for (const auto& node : world.nodes) ASSERT_EQ(node->rows.all(), expected) << "node " << node->number;
}

INSTANTIATE_TEST_SUITE_P(Seeds, HistoryTest, ::testing::Range<std::uint64_t>(1, 5));

}  // namespace
}  // namespace kadenza::distributed::catalogue
