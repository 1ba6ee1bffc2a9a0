// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/placement/directory.hpp"

#include <chrono>
#include <optional>
#include <set>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>

#include "core/random.hpp"
#include "distributed/kademlia/distance.hpp"
#include "distributed/placement/order.hpp"
#include "sim/coroutines.hpp"
#include "sim/engine.hpp"

namespace kadenza::distributed::placement {
namespace {

using kademlia::Contact;
using namespace std::chrono_literals;

/// Finds whoever is alive, nearest first.
class FakeRouting final : public Routing {
 public:
  core::Task<core::Result<std::vector<Found>>> nearest(kademlia::Key key, std::size_t count,
                                                       core::Deadline) override {
    ++lookups;
    if (broken) co_return core::fail(core::Errc::kDeadlineExceeded);
    auto found = alive;
    std::ranges::sort(found, {}, [&](const Contact& c) { return kademlia::distance(c.id, key); });
    if (found.size() > count) found.resize(count);
    std::vector<Found> result;
    for (const auto& contact : found) result.emplace_back(contact, round_trip);
    co_return result;
  }
  std::vector<Contact> alive;
  std::optional<core::Duration> round_trip;
  int lookups = 0;
  bool broken = false;
};

/// Like a machine's clock it goes on between two looks at it.
class TickingClock final : public core::Clock {
 public:
  explicit TickingClock(const sim::Engine& engine) : clock_(engine) {}
  core::Instant now() const noexcept override { return clock_.now() + core::Duration(++ticks_); }
  core::WallTime wall_now() const noexcept override { return clock_.wall_now(); }

 private:
  sim::SimClock clock_;
  mutable std::int64_t ticks_ = 0;
};

class DirectoryTest : public ::testing::Test {
 protected:
  DirectoryTest() : random(7) {
    self = make();
    directory = Directory::create(
        {.self = self, .is_member = [this](const auto& id) { return !removed.contains(id); }},
        coroutines.context().get_executor(), clock, routing);
  }

  Contact make() { return {kademlia::random_key(random), kademlia::Endpoint::v4(0x0a000001, 4748), 8}; }
  void others(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) routing.alive.push_back(make());
  }
  static Partition partition(int first_byte) {
    Partition partition;
    partition.key.bytes[0] = static_cast<std::uint8_t>(first_byte);
    return partition;
  }
  static std::vector<core::NodeId> ids(const Order& order) {
    std::vector<core::NodeId> result;
    for (const auto& candidate : order) result.push_back(candidate.contact.id);
    return result;
  }
  /// As somebody who knows everybody would compute it.
  std::vector<core::NodeId> true_order(int first_byte) const {
    auto all = routing.alive;
    all.push_back(self);
    std::vector<core::NodeId> result;
    for (const auto& contact : placement::order(partition(first_byte), all, 40)) result.push_back(contact.id);
    return result;
  }
  Order order_of(int first_byte = 0) {
    std::optional<Order> got;
    auto ask = [](DirectoryTest& test, Partition which, std::optional<Order>& out) -> core::Task<void> {
      out = co_await test.directory->order(which, test.clock.now() + 1s);
    };
    boost::asio::co_spawn(coroutines.context(), ask(*this, partition(first_byte), got),
                          boost::asio::detached);
    engine.run_for(1ms);
    return got.value_or(Order{});
  }
  static const Candidate* find(const Order& order, const core::NodeId& id) {
    for (const auto& candidate : order) {
      if (candidate.contact.id == id) return &candidate;
    }
    return nullptr;
  }

  sim::Engine engine{1};
  sim::Coroutines coroutines{engine};
  TickingClock clock{engine};
  core::SeededRandom random;
  FakeRouting routing;
  Contact self;
  std::set<core::NodeId> removed;
  std::shared_ptr<Directory> directory;
};

TEST_F(DirectoryTest, AloneItKnowsItself) {
  const auto order = order_of();
  ASSERT_EQ(order.size(), 1u);
  EXPECT_TRUE(order[0].self);
  EXPECT_FALSE(order[0].silent);
}

TEST_F(DirectoryTest, OneLookupServesAllPartitionsOfASmallNetwork) {
  others(5);
  for (int byte = 0; byte < 200; ++byte) EXPECT_EQ(order_of(byte).size(), 6u);
  EXPECT_EQ(routing.lookups, 1);
  for (const auto& candidate : order_of()) EXPECT_FALSE(candidate.silent);
}

TEST_F(DirectoryTest, EveryOrderOfALargeNetworkIsRight) {
  others(1000);
  for (int round = 0; round < 3; ++round) {
    for (int byte = 0; byte < 256; ++byte) EXPECT_EQ(ids(order_of(byte)), true_order(byte)) << byte;
  }
}

TEST_F(DirectoryTest, TheMembersOfALargeNetworkAreFoundOnceNotOncePerPartition) {
  others(1000);
  for (int round = 0; round < 3; ++round) {
    for (int byte = 0; byte < 256; ++byte) order_of(byte);
  }
  EXPECT_LT(routing.lookups, 200);
}

TEST_F(DirectoryTest, ALargeNetworkCostsOneLookInFiveSecondsAndNothingInUseGetsOld) {
  others(1000);
  for (int byte = 0; byte < 256; ++byte) order_of(byte);
  order_of(0);
  const int before = routing.lookups;
  const auto dead = routing.alive[500];
  std::erase_if(routing.alive, [&](const Contact& contact) { return contact.id == dead.id; });
  const auto home = dead.id.bytes[0];
  for (int second = 0; second < 600; ++second) {
    engine.run_for(1s);
    for (int byte = 0; byte < 256; byte += 8) order_of(byte);
  }
  EXPECT_LE(routing.lookups - before, 600 / 5 + 2);
  const auto order = order_of(home);
  const auto* candidate = find(order, dead.id);
  EXPECT_TRUE(!candidate || candidate->silent);
}

TEST_F(DirectoryTest, AllMembersOfAVeryLargeNetworkAreHeardInTheirGrace) {
  others(1000);
  directory =
      Directory::create({.self = self, .grace = 60s}, coroutines.context().get_executor(), clock, routing);
  for (int byte = 0; byte < 256; ++byte) order_of(byte);
  for (int second = 0; second < 180; ++second) {
    engine.run_for(1s);
    for (int byte = 0; byte < 256; byte += 8) order_of(byte);
  }
  EXPECT_EQ(directory->members().size(), 1000u);
}

TEST_F(DirectoryTest, RenewsInTheBackgroundAndFindsNewMembers) {
  others(2);
  EXPECT_EQ(order_of().size(), 3u);
  others(1);
  engine.run_for(10s);
  order_of();  // from memory; the renewal runs beside it
  EXPECT_EQ(order_of().size(), 4u);
}

TEST_F(DirectoryTest, ASilentMemberKeepsItsPlaceForTheGracePeriod) {
  others(3);
  order_of();
  const auto dead = routing.alive.back();
  routing.alive.pop_back();
  engine.run_for(61s);
  auto order = order_of();
  ASSERT_EQ(order.size(), 4u);
  EXPECT_TRUE(find(order, dead.id)->silent);
  engine.run_for(15min);
  order = order_of();
  EXPECT_EQ(order.size(), 3u);
  EXPECT_EQ(find(order, dead.id), nullptr);
}

TEST_F(DirectoryTest, ACallThatFailsMakesItsMemberSilentAtOnceAndAnAnswerMakesItHeard) {
  others(2);
  order_of();
  const auto member = routing.alive[0];
  directory->failed(member.id);
  EXPECT_TRUE(find(order_of(), member.id)->silent);
  directory->answered(member);
  EXPECT_FALSE(find(order_of(), member.id)->silent);
}

TEST_F(DirectoryTest, KnowsHowNearAMemberIsByTheLookupThatFoundIt) {
  others(2);
  order_of();
  EXPECT_FALSE(directory->round_trip(routing.alive[0].id));
  routing.round_trip = 30ms;
  engine.run_for(61s);
  order_of();
  EXPECT_EQ(directory->round_trip(routing.alive[0].id), core::Duration(30ms));
}

TEST_F(DirectoryTest, WhoLeavesIsLastInEveryOrderUntilItSaysThatItStays) {
  others(4);
  const auto first = order_of().front().contact.id;
  const auto second = order_of()[1].contact.id;
  const auto leave = [&](const core::NodeId& id) {
    id == self.id ? directory->set_leaving(true) : directory->note_leaving(id, true);
  };
  leave(first);
  EXPECT_EQ(order_of().front().contact.id, second);
  EXPECT_EQ(order_of().back().contact.id, first);
  EXPECT_TRUE(order_of().back().leaving);
  leave(self.id);
  EXPECT_TRUE(directory->is_leaving());
  EXPECT_TRUE(find(order_of(), self.id)->leaving);
  directory->set_leaving(false);
  EXPECT_FALSE(find(order_of(), self.id)->leaving);
  const auto member = order_of()[0].contact.id;
  directory->note_leaving(member, true);
  engine.run_for(20s);  // being found does not say that it stays
  EXPECT_TRUE(find(order_of(), member)->leaving);
  directory->note_leaving(member, false);
  EXPECT_FALSE(find(order_of(), member)->leaving);
}

TEST_F(DirectoryTest, ARemovedMemberIsOutAtOnce) {
  others(2);
  order_of();
  removed.insert(routing.alive[0].id);
  EXPECT_EQ(order_of().size(), 2u);
  EXPECT_EQ(directory->members().size(), 1u);
}

TEST_F(DirectoryTest, WhoAnswersBeforeItsEnrolmentIsKnownCountsFromThenOn) {
  const auto early = make();
  removed.insert(early.id);
  order_of();
  directory->answered(early);
  EXPECT_EQ(order_of().size(), 1u);
  removed.clear();
  engine.run_for(1ms);
  EXPECT_EQ(order_of().size(), 2u);
}

TEST_F(DirectoryTest, WithoutAnAnswerItSaysWhatItKnows) {
  others(2);
  order_of();
  routing.broken = true;
  engine.run_for(2min);
  EXPECT_EQ(order_of().size(), 3u);
}

}  // namespace
}  // namespace kadenza::distributed::placement
