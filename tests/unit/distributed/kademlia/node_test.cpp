// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/kademlia/node.hpp"

#include <algorithm>
#include <utility>

#include <gtest/gtest.h>

#include "support.hpp"
#include "swarm.hpp"

namespace kadenza::distributed::kademlia {
namespace {

using testing::contact_of;
using testing::Swarm;

double recall(const LookupResult& result, const std::vector<Contact>& truth) {
  std::size_t hits = 0;
  for (const Contact& contact : truth) {
    hits +=
        std::find(result.contacts.begin(), result.contacts.end(), contact) != result.contacts.end() ? 1 : 0;
  }
  return static_cast<double>(hits) / static_cast<double>(truth.size());
}

TEST(KademliaNode, ManyFindTheTrueNearest) {
  Swarm swarm(150, 1);
  swarm.run_for(30s);
  for (std::size_t i = 0; i < swarm.size(); ++i) EXPECT_TRUE(swarm.node(i).joined()) << i;
  for (int i = 0; i < 50; ++i) {
    const Key target = random_key(swarm.random());
    const std::size_t from = swarm.random().below(swarm.size());
    const LookupResult result = swarm.look_up(from, target, LookupGoal::nearest());
    EXPECT_EQ(recall(result, swarm.truly_nearest(target, 20, from)), 1) << i;
    EXPECT_LE(result.took, 100ms);
  }
  for (std::size_t i = 0; i < swarm.size(); ++i) {
    swarm.node(i).table().check_invariants();
    EXPECT_NEAR(swarm.node(i).network_size(), 150, 100);
  }
}

TEST(KademliaNode, ForgetsThoseWhoDieAndStillFindsTheRest) {
  Swarm swarm(120, 2);
  swarm.run_for(30s);
  for (std::size_t i = 0; i < 36; ++i) swarm.kill(3 * i);
  double sum = 0;
  for (int i = 0; i < 30; ++i) {
    const Key target = random_key(swarm.random());
    const std::size_t from = 1 + 3 * swarm.random().below(36);
    const LookupResult result = swarm.look_up(from, target, LookupGoal::nearest());
    EXPECT_LE(result.took, 2s);
    sum += recall(result, swarm.truly_nearest(target, 20, from));
  }
  EXPECT_GE(sum / 30, 0.97);
}

TEST(KademliaNode, LostPacketsHideNobody) {
  Swarm swarm(120, 3);
  swarm.run_for(30s);
  swarm.loss = 0.05;
  swarm.run_for(10min);
  double sum = 0;
  for (int i = 0; i < 100; ++i) {
    const Key target = random_key(swarm.random());
    const std::size_t from = swarm.random().below(swarm.size());
    sum += recall(swarm.look_up(from, target, LookupGoal::nearest()), swarm.truly_nearest(target, 20, from));
  }
  EXPECT_GE(sum / 100, 0.98);
}

TEST(KademliaNode, IdleNodesSayLittle) {
  Swarm swarm(40, 4);
  swarm.run_for(5min);
  const std::uint64_t before = swarm.node(7).counters().requests_sent;
  swarm.run_for(10min);
  EXPECT_LE(swarm.node(7).counters().requests_sent - before, 400u);
}

TEST(KademliaNode, RefusesMoreLookupsThanItCanHold) {
  const Config config{.lookups_max = 2};
  core::SeededRandom random(1);
  Outbox outbox;
  KademliaNode node(contact_of(1, 1), config, random);
  const std::vector<Contact> saved{contact_of(2, 2)};
  node.bootstrap(saved, {}, Instant(0s), outbox);
  ASSERT_EQ(outbox.sends.size(), 1u);
  Message pong{outbox.sends[0].message.transaction, 0, saved[0], Pong{}};
  node.receive(saved[0].endpoint, pong, Instant(1ms), outbox);
  const auto first = node.start(Key{}, LookupGoal::nearest(), Instant(2ms), outbox);
  ASSERT_TRUE(first);
  ASSERT_TRUE(node.start(Key{}, LookupGoal::nearest(), Instant(2ms), outbox));
  EXPECT_FALSE(node.start(Key{}, LookupGoal::nearest(), Instant(2ms), outbox));
  node.cancel(*first);
  EXPECT_TRUE(node.start(Key{}, LookupGoal::nearest(), Instant(2ms), outbox));
  EXPECT_TRUE(outbox.finished.empty());
}

/// A node and ten others that answer whatever it asks. A stranger whom they may name says nothing, unless
/// told.
class AmongFriends {
 public:
  explicit AmongFriends(Duration round_trip) : round_trip_(round_trip) {
    for (std::uint16_t i = 2; i < 12; ++i) friends_.push_back(contact_of(i, i));
    node.bootstrap(friends_, {}, Instant(0s), outbox);
    pass(5s);
  }

  void pass(Duration time) {
    for (const Instant end = now + time; now < end; now += round_trip_) {
      node.tick(now, outbox);
      for (const auto& sent : std::exchange(outbox.sends, {})) answer(sent);
    }
  }

  const Config config;
  core::SeededRandom random{1};
  KademliaNode node{contact_of(1, 1), config, random};
  Outbox outbox;
  Instant now{0s};
  Contact stranger = contact_of(100, 100);
  bool stranger_is_named = false;
  bool stranger_answers = false;
  std::optional<Message> for_stranger;

 private:
  void answer(const Send& sent) {
    if (sent.to == stranger.endpoint && !for_stranger) for_stranger = sent.message;
    const auto to = std::ranges::find(friends_, sent.to, &Contact::endpoint);
    const bool asked_stranger = sent.to == stranger.endpoint;
    if (asked_stranger ? !stranger_answers : to == friends_.end()) return;
    const Contact& answering = asked_stranger ? stranger : *to;
    Message reply{sent.message.transaction, sent.message.attempt, answering, Pong{}};
    if (std::holds_alternative<FindNode>(sent.message.body)) {
      Nodes nodes;
      if (stranger_is_named) nodes.contacts.push_back(stranger);
      reply.body = nodes;
    }
    node.receive(sent.to, reply, now + round_trip_, outbox);
  }

  const Duration round_trip_;
  std::vector<Contact> friends_;
};

TEST(KademliaNode, WhoseAnswersTakeLongAsksMoreAtOnce) {
  const auto first_questions = [](Duration round_trip) {
    AmongFriends world(round_trip);
    EXPECT_TRUE(world.node.start(Key{}, LookupGoal::read(), world.now, world.outbox));
    return world.outbox.sends.size();
  };
  EXPECT_EQ(first_questions(40ms), 3u);
  EXPECT_EQ(first_questions(250ms), 6u);
}

TEST(KademliaNode, AStrangerMayBeFarAwayAlthoughAllOthersAreNear) {
  AmongFriends world(5ms);
  world.stranger_is_named = true;
  ASSERT_TRUE(world.node.start(world.stranger.id, LookupGoal::nearest(), world.now, world.outbox));
  world.pass(600ms);
  ASSERT_TRUE(world.for_stranger);
  EXPECT_TRUE(world.outbox.finished.empty());
  const Message answer{world.for_stranger->transaction, 0, world.stranger, Nodes{}};
  world.node.receive(world.stranger.endpoint, answer, world.now, world.outbox);
  ASSERT_EQ(world.outbox.finished.size(), 1u);
  EXPECT_EQ(world.outbox.finished[0].contacts[0], world.stranger);
}

TEST(KademliaNode, AStrangerWhoWasSilentIsAskedAgainTwice) {
  for (const Duration busy : {1500ms, 6000ms, 60'000ms}) {
    AmongFriends world(5ms);
    world.stranger_is_named = true;
    ASSERT_TRUE(world.node.start(world.stranger.id, LookupGoal::nearest(), world.now, world.outbox));
    world.pass(busy);
    ASSERT_EQ(world.outbox.finished.size(), 1u);
    EXPECT_FALSE(world.node.table().find(world.stranger.id));
    world.stranger_is_named = false;
    world.stranger_answers = true;
    world.pass(10s);
    EXPECT_EQ(world.node.table().find(world.stranger.id) != nullptr, busy < 10s) << busy.count();
  }
}

TEST(KademliaNode, NobodyIsAdmittedWithoutProofOfLife) {
  const Config config;
  core::SeededRandom random(9);
  KademliaNode node(contact_of(1, 1), config, random);
  Outbox outbox;
  Instant now(0s);
  for (int i = 0; i < 20'000; ++i) {
    now += 1ms;
    const Contact sender = contact_of(random_key(random), static_cast<std::uint16_t>(1 + random.below(5000)));
    Message message{.transaction = random.next(), .sender = sender};
    switch (random.below(4)) {
      case 0:
        message.body = Ping{};
        break;
      case 1:
        message.body = Pong{};
        break;
      case 2:
        message.body = FindNode{random_key(random)};
        break;
      default: {
        Nodes nodes;
        while (!nodes.contacts.full()) nodes.contacts.push_back(contact_of(random_key(random), 9));
        message.body = nodes;
      }
    }
    node.receive(sender.endpoint, message, now, outbox);
    if (node.next_wakeup() <= now) node.tick(now, outbox);
    outbox.clear();
  }
  EXPECT_EQ(node.table().size(), 0u);
  EXPECT_LE(node.requests_waiting(), 200u);
  EXPECT_GT(node.counters().replies_unexpected, 0u);
}

}  // namespace
}  // namespace kadenza::distributed::kademlia
