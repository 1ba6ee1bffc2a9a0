// SPDX-License-Identifier: AGPL-3.0-or-later
// Whole clusters in one process, over the simulator's network and its virtual time: what is written on one
// node is known to all.
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>

#include "core/sha256.hpp"
#include "distributed/cluster/cluster_accounts.hpp"
#include "distributed/cluster/document.hpp"
#include "distributed/cluster/exchange.hpp"
#include "services/accounts/local_accounts.hpp"
#include "sim/peer_network.hpp"
#include "tests/support/temporary_folder.hpp"

namespace kadenza::distributed::cluster {
namespace {

using core::Errc;
using core::Result;
using namespace std::chrono_literals;

constexpr services::accounts::PasswordCost kCheap{1, 8u << 10};
const core::Digest kCluster = core::sha256("a cluster");
constexpr auto kNever = core::Deadline::max();

core::NodeId node_id(std::size_t number) {
  return core::NodeId{core::sha256("node " + std::to_string(number)).bytes};
}

struct World {
  explicit World(std::uint64_t seed) : engine(seed) {}
  sim::Engine engine;
  sim::Coroutines coroutines{engine};
  sim::Network network{sim::Random(engine.random().fork())};
  sim::PeerNetwork peers{engine, coroutines, network};
  sim::SimTimers timers{engine};
  std::vector<std::unique_ptr<boost::asio::cancellation_signal>> stops;

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
  void wait(core::Task<void> task) {
    auto run = [](core::Task<void> inner) -> core::Task<bool> {
      co_await std::move(inner);
      co_return true;
    };
    (void)wait(run(std::move(task)));
  }
};

struct Node {
  Node(World& world, std::size_t number, core::Duration wall_error)
      : id(node_id(number)), clock(world.engine, wall_error), random(number), host(world.peers.add(id)) {}

  ClusterDocument::Options options() {
    return {id, &clock, [this](std::string_view bytes) -> Result<void> {
              if (disk_full) return core::fail(Errc::kNoSpace, "the disk is full");
              disk = bytes;
              return {};
            }};
  }

  core::NodeId id;
  sim::SimClock clock;
  core::SeededRandom random;
  sim::HostId host;
  bool disk_full = false;
  std::string disk;
  peers::Handlers handlers;
  std::unique_ptr<peers::Peers> peers;
  std::unique_ptr<ClusterDocument> document;
  std::unique_ptr<ClusterExchange> exchange;
  std::unique_ptr<ClusterAccounts> accounts;
};

class Cluster {
 public:
  explicit Cluster(std::size_t count, std::uint64_t seed = 1, core::Duration wall_error_of_last = 0s)
      : world(seed) {
    for (std::size_t i = 0; i < count; ++i) {
      nodes.push_back(std::make_unique<Node>(world, i, i + 1 == count ? wall_error_of_last : 0s));
    }
    for (std::size_t i = 0; i < count; ++i) start(i);
  }

  ~Cluster() {
    for (auto& signal : world.stops) signal->emit(boost::asio::cancellation_type::terminal);
    world.engine.run_for(0s);
  }

  Node& node(std::size_t i) { return *nodes[i]; }
  std::shared_ptr<const View> view(std::size_t i) { return node(i).document->view(); }

  void write(std::size_t i, const ClusterDocument::Write& write) {
    const auto written = node(i).document->write(write);
    ASSERT_TRUE(written) << written.error().detail;
  }
  void spread(std::size_t i) { world.wait(node(i).exchange->spread()); }
  bool equal() {
    for (const auto& each : nodes) {
      if (each->document->view()->digest != view(0)->digest) return false;
    }
    return true;
  }
  /// Virtual time until all are equal; nothing after 10 minutes.
  std::optional<core::Duration> time_to_converge() {
    const auto start = world.engine.now();
    while (!equal()) {
      if (world.engine.now() - start > 10min) return std::nullopt;
      world.engine.run_for(100ms);
    }
    return world.engine.now() - start;
  }
  Result<core::Session> log_in(std::size_t i, std::string user, std::string secret) {
    return world.wait(node(i).accounts->log_in(std::move(user), std::move(secret), kNever));
  }

  World world;
  std::vector<std::unique_ptr<Node>> nodes;
  std::string password;

 private:
  void start(std::size_t i) {
    Node& one = node(i);
    one.document = std::move(i == 0 ? *ClusterDocument::create(one.options(), kCluster, Settings{})
                                    : *ClusterDocument::open(one.options(), view(0)->bytes));
    one.peers = world.peers.peers_of(one.host);
    const auto executor = world.coroutines.context().get_executor();
    one.exchange = std::make_unique<ClusterExchange>(ClusterExchange::Parts{
        *one.document, *one.peers, one.clock, world.timers, one.random, executor, [this, i] {
          std::vector<kademlia::Contact> others;
          for (const auto& other : nodes) {
            if (other->id != node(i).id) others.push_back(world.peers.contact(other->id));
          }
          return others;
        }});
    one.exchange->serve(one.handlers);
    world.peers.start(one.host, one.handlers);
    auto& stop = world.stops.emplace_back(std::make_unique<boost::asio::cancellation_signal>());
    boost::asio::co_spawn(executor, one.exchange->run(),
                          boost::asio::bind_cancellation_slot(stop->slot(), boost::asio::detached));
    ClusterAccounts::Config config{
        one.document.get(), one.exchange.get(), {executor, &one.clock, kCheap}, {}};
    if (i == 0) config.created_in = folder_.path();
    one.accounts = std::move(*ClusterAccounts::open(std::move(config)));
    if (i == 0) password = one.accounts->take_generated_password().value_or("");
  }

  kadenza::testing::TemporaryFolder folder_;
};

TEST(Cluster, AWriteIsKnownEverywhereAtOnce) {
  Cluster cluster(40);
  cluster.write(7, put_member(node_id(7), {"cellar", {"https://192.0.2.7:4747"}, {}, 5}));
  cluster.spread(7);
  EXPECT_TRUE(cluster.equal());
  EXPECT_TRUE(cluster.node(39).document->is_member(node_id(7)));
  EXPECT_EQ(cluster.view(20)->members.front().record.http_urls.front(), "https://192.0.2.7:4747");
}

TEST(Cluster, ARemovalIsFinalAndKnownInSecondsThoughPacketsAreLost) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Cluster cluster(20, seed);
    for (std::size_t i = 0; i < 20; ++i) cluster.write(i, put_member(node_id(i), {"n", {}, {}, 1}));
    ASSERT_TRUE(cluster.time_to_converge());
    cluster.world.network.faults.loss = 0.2;
    cluster.write(0, remove_member(node_id(5)));
    cluster.spread(0);
    cluster.write(6, put_member(node_id(6), {"renamed", {}, {}, 1}));
    const auto took = cluster.time_to_converge();
    ASSERT_TRUE(took) << "seed " << seed;
    EXPECT_LT(*took, 20s) << "seed " << seed;
    EXPECT_TRUE(cluster.node(13).document->is_removed(node_id(5)));
    EXPECT_FALSE(cluster.node(13).document->is_member(node_id(5)));
    const auto again = cluster.node(9).document->write(put_member(node_id(5), {"back", {}, {}, 1}));
    EXPECT_EQ(again.error().code, Errc::kForbidden);
  }
}

TEST(Cluster, HalvesWriteApartAndConvergeAfterwards) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Cluster cluster(8, seed);
    for (std::size_t i = 4; i < 8; ++i) cluster.world.network.set_group(cluster.node(i).host, 1);
    cluster.world.network.cut(0, 1);
    cluster.world.network.cut(1, 0);
    for (std::size_t i = 0; i < 8; ++i) cluster.write(i, put_member(node_id(i), {"n", {}, {}, i}));
    cluster.write(1, put_member(node_id(100), {"one", {}, {}, 1}));
    cluster.write(1, remove_member(node_id(100)));
    cluster.write(6, put_member(node_id(100), {"other", {}, {}, 2}));
    cluster.world.engine.run_for(1min);
    EXPECT_NE(cluster.view(0)->digest, cluster.view(7)->digest);
    EXPECT_EQ(cluster.view(4)->digest, cluster.view(7)->digest);
    cluster.world.network.heal();
    const auto took = cluster.time_to_converge();
    ASSERT_TRUE(took) << "seed " << seed;
    EXPECT_LT(*took, 60s) << "seed " << seed;
    EXPECT_EQ(cluster.view(3)->members.size(), 8U);
    EXPECT_TRUE(cluster.node(6).document->is_removed(node_id(100)));
  }
}

TEST(Cluster, ANodeInTheFutureIsNotBelieved) {
  Cluster cluster(3, 1, 2min);
  cluster.write(2, put_member(node_id(2), {"ahead", {}, {}, 1}));
  cluster.world.engine.run_for(30s);
  EXPECT_FALSE(cluster.node(0).document->is_member(node_id(2)));
  cluster.write(0, put_member(node_id(0), {"right", {}, {}, 1}));
  cluster.world.engine.run_for(30s);
  EXPECT_TRUE(cluster.node(2).document->is_member(node_id(0)));
}

TEST(Cluster, AnotherClustersDocumentIsRefused) {
  Cluster cluster(1);
  Node& node = cluster.node(0);
  Node stranger(cluster.world, 9, 0s);
  const auto other = ClusterDocument::create(stranger.options(), core::sha256("another cluster"), Settings{});
  ASSERT_TRUE(other);
  EXPECT_EQ(node.document->merge((*other)->view()->bytes).error().code, Errc::kConflict);
  EXPECT_EQ(node.document->merge("garbage").error().code, Errc::kCorrupted);
  EXPECT_EQ(node.document->merge(std::string(kDocumentBytesMax + 1, 'x')).error().code, Errc::kTooLarge);
}

TEST(Cluster, WhatWasWrittenIsOnTheDisk) {
  Cluster cluster(2);
  cluster.write(0, put_member(node_id(0), {"first", {}, {}, 1}));
  cluster.spread(0);
  for (std::size_t i = 0; i < 2; ++i) {
    const auto again = ClusterDocument::open(cluster.node(i).options(), cluster.node(i).disk);
    ASSERT_TRUE(again);
    EXPECT_EQ((*again)->view()->digest, cluster.view(i)->digest);
    EXPECT_TRUE((*again)->is_member(node_id(0)));
  }
  cluster.node(0).disk_full = true;
  const auto before = cluster.view(0)->digest;
  EXPECT_EQ(cluster.node(0).document->write(remove_member(node_id(0))).error().code, Errc::kNoSpace);
  EXPECT_EQ(cluster.view(0)->digest, before) << "a write that failed was done by half";
}

TEST(ClusterAccounts, TheSameLogInAndTokenOnEveryNode) {
  Cluster cluster(5);
  ASSERT_FALSE(cluster.password.empty());
  cluster.spread(0);
  const auto session = cluster.log_in(3, "admin", cluster.password);
  ASSERT_TRUE(session) << session.error().detail;
  for (std::size_t i = 0; i < 5; ++i) {
    const auto who = cluster.node(i).accounts->authenticate(session->token);
    ASSERT_TRUE(who) << "node " << i;
    EXPECT_EQ(who->role, core::Role::kAdmin);
  }
  ASSERT_TRUE(cluster.world.wait(cluster.node(1).accounts->log_out(session->token, kNever)));
  for (std::size_t i = 0; i < 5; ++i) EXPECT_FALSE(cluster.node(i).accounts->authenticate(session->token));
  EXPECT_FALSE(cluster.log_in(2, "admin", "not the password"));
}

TEST(ClusterAccounts, WorkWhileOthersAreDown) {
  Cluster cluster(3);
  cluster.spread(0);
  const auto before = cluster.log_in(0, "admin", cluster.password);
  ASSERT_TRUE(before);
  cluster.world.peers.crash(cluster.node(0).host);
  cluster.world.peers.crash(cluster.node(1).host);
  EXPECT_TRUE(cluster.node(2).accounts->authenticate(before->token));
  const auto start = cluster.world.engine.now();
  EXPECT_TRUE(cluster.log_in(2, "admin", cluster.password));
  EXPECT_LT(cluster.world.engine.now() - start, 1s);
}

TEST(ClusterAccounts, ANewPasswordAndARemovalEndSessionsEverywhere) {
  Cluster cluster(3);
  ASSERT_TRUE(cluster.node(0).accounts->create_user("ana", "long enough", core::Role::kUploader));
  cluster.spread(0);
  const auto first = cluster.log_in(1, "ana", "long enough");
  ASSERT_TRUE(first);
  ASSERT_TRUE(cluster.node(2).accounts->set_password("ana", "another one"));
  cluster.spread(2);
  EXPECT_FALSE(cluster.node(1).accounts->authenticate(first->token));
  EXPECT_FALSE(cluster.log_in(0, "ana", "long enough"));
  const auto second = cluster.log_in(0, "ana", "another one");
  ASSERT_TRUE(second);
  EXPECT_EQ(cluster.node(1).accounts->authenticate(second->token)->role, core::Role::kUploader);
  ASSERT_TRUE(cluster.node(1).accounts->remove_user("ana"));
  cluster.spread(1);
  EXPECT_FALSE(cluster.node(0).accounts->authenticate(second->token));
  EXPECT_EQ(cluster.node(2).accounts->create_user("ana", "long enough", core::Role::kUploader).error().code,
            Errc::kConflict);
  EXPECT_EQ(cluster.node(2).accounts->remove_user("admin").error().code, Errc::kConflict);
}

TEST(ClusterAccounts, UseKeepsASessionAlive) {
  Cluster cluster(1);
  const auto session = cluster.log_in(0, "admin", cluster.password);
  ASSERT_TRUE(session);
  const auto& accounts = *cluster.node(0).accounts;
  for (int i = 0; i < 3; ++i) {
    // Not run but jumped over: ten weeks of comparisons would take a while.
    cluster.world.stops.front()->emit(boost::asio::cancellation_type::terminal);
    cluster.world.engine.run_for(std::chrono::days(60));
    EXPECT_TRUE(accounts.authenticate(session->token)) << i;
    cluster.world.engine.run_for(1ms);
  }
  cluster.world.engine.run_for(std::chrono::days(91));
  EXPECT_FALSE(accounts.authenticate(session->token));
}

TEST(ClusterAccounts, ANodeThatWasAloneTakesItsUsersAlong) {
  Cluster cluster(1);
  Node& node = cluster.node(0);
  const kadenza::testing::TemporaryFolder folder;
  const auto executor = cluster.world.coroutines.context().get_executor();
  auto alone = services::accounts::LocalAccounts::open({folder.path(), executor, &node.clock, kCheap});
  ASSERT_TRUE(alone);
  const std::string password = (*alone)->take_generated_password().value_or("");
  ASSERT_TRUE((*alone)->create_user("ana", "long enough", core::Role::kUploader));
  const auto session = cluster.world.wait((*alone)->log_in("ana", "long enough", kNever));
  ASSERT_TRUE(session);

  auto document = ClusterDocument::create(node.options(), kCluster, Settings{});
  ASSERT_TRUE(document);
  const auto accounts = ClusterAccounts::open(
      {document->get(), node.exchange.get(), {executor, &node.clock, kCheap}, folder.path()});
  ASSERT_TRUE(accounts);
  EXPECT_FALSE((*accounts)->take_generated_password());
  EXPECT_EQ((*accounts)->authenticate(session->token)->role, core::Role::kUploader);
  EXPECT_TRUE(cluster.world.wait((*accounts)->log_in("admin", password, kNever)));
}

TEST(Settings, WhatDoesNotFitTogetherIsRefusedWithItsNumbers) {
  const auto refused = [](Settings settings, const std::string& said) {
    const auto checked = settings.check();
    ASSERT_FALSE(checked) << settings.text();
    EXPECT_EQ(checked.error().code, core::Errc::kInvalidArgument);
    EXPECT_NE(checked.error().detail.find(said), std::string::npos) << checked.error().detail;
  };
  refused({.replicas = 0}, "0 replicas");
  refused({.replicas = 17}, "17 replicas");
  refused({.replicas = 2, .write_quorum = 3}, "a write quorum of 3 of 2 replicas");
  refused({.write_quorum = 0}, "a write quorum of 0");
  refused({.replicas = 5, .candidates = 4}, "4 candidates for 5 replicas");
  refused({.candidates = 41}, "41 candidates");
  EXPECT_TRUE((Settings{.replicas = 1, .write_quorum = 1, .candidates = 1, .partition_bits = 0}).check());
  EXPECT_EQ(Settings::bits_for(1), 0U);
  EXPECT_EQ(Settings::bits_for(65536), 16U);
  for (const std::uint32_t count : {0U, 3U, 65535U, 1U << 25})
    EXPECT_FALSE(Settings::bits_for(count)) << count;
}

TEST(ClusterState, ManySessionsMakeRoomAndStayWithinTheLimit) {
  ClusterState state;
  state.cluster = kCluster;
  const core::WallTime now{std::chrono::days(20000)};
  crdt::HybridClock clock(1);
  const crdt::Stamp stamp = clock.tick(now);
  state.users.put("ana", std::string(100, 'h'), stamp);
  for (std::size_t i = 0; i < kSessionsMax + 100; ++i) {
    const SessionRecord record{"ana", now + std::chrono::minutes(i), stamp};
    state.sessions.put(key_of(core::sha256(std::to_string(i))), record.encode(), clock.tick(now));
  }
  for (std::size_t i = 0; i < kEndedSessionsMax + 100; ++i) {
    state.sessions.remove(key_of(core::sha256("ended " + std::to_string(i))), clock.tick(now));
  }
  state.prune(now);
  EXPECT_EQ(state.sessions.entries().size(), kSessionsMax);
  EXPECT_FALSE(state.sessions.find(key_of(core::sha256("0"))));
  EXPECT_EQ(state.sessions.removals().size(), kEndedSessionsMax);
  EXPECT_LT(state.encode().size(), kDocumentBytesMax / 2);

  state.prune(now + std::chrono::days(95));
  EXPECT_TRUE(state.sessions.entries().empty());
  EXPECT_TRUE(state.sessions.removals().empty());
  EXPECT_TRUE(state.users.find("ana"));
}

}  // namespace
}  // namespace kadenza::distributed::cluster
