// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/rpc/kademlia_driver.hpp"

#include <gtest/gtest.h>

#include "loopback.hpp"
#include "support/temporary_folder.hpp"

namespace kadenza::distributed::rpc {
namespace {

using kademlia::Key;
using kademlia::LookupGoal;
using testing::Driver;
using testing::Loopback;
using namespace std::chrono_literals;

bool joined(Loopback& net, const Driver& driver) {
  return net.snapshot(driver).joined;
}

TEST(KademliaDriver, NodesFindEachOther) {
  Loopback net;
  for (int i = 0; i < 12; ++i) net.add();
  for (const Driver& driver : net.drivers()) {
    EXPECT_TRUE(Loopback::eventually([&] { return Loopback::contacts(net.snapshot(driver)) == 11; }));
  }
  const auto view = net.snapshot(net.drivers()[3]);
  EXPECT_TRUE(view.joined);
  EXPECT_EQ(view.size_estimate, 12);
  EXPECT_GT(view.wire.bytes_in, 0u);
  const auto found = net.look_up(net.drivers()[5], view.self.id, LookupGoal::nearest(5));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->contacts.size(), 5u);
  EXPECT_EQ(found->contacts[0].id, view.self.id);
  EXPECT_EQ(found->contacts[0].endpoint, net.drivers()[3]->local());
}

TEST(KademliaDriver, SpeaksIpv6AndIpv4OnOneSocket) {
  Loopback net;
  auto options = net.options("::1");
  options.listen.address(boost::asio::ip::address_v6::any());
  const Driver both = net.add(options);
  auto six = net.options("::1");
  six.seeds = {*kademlia::Endpoint::parse("[::1]:" + std::to_string(options.listen.port()))};
  auto four = net.options();
  four.seeds = {kademlia::Endpoint::v4(0x7f000001, options.listen.port())};
  const Driver v6 = net.add(six);
  const Driver v4 = net.add(four);
  EXPECT_TRUE(Loopback::eventually([&] { return joined(net, v6) && joined(net, v4); }));
  EXPECT_TRUE(Loopback::eventually([&] { return Loopback::contacts(net.snapshot(both)) == 2; }));
}

TEST(KademliaDriver, RestartsFromItsSavedTable) {
  const kadenza::testing::TemporaryFolder folder;
  Loopback net;
  net.add();
  net.add();
  auto options = net.options();
  options.saved_table = folder.path() / "contacts";
  const Driver first = net.add(options);
  ASSERT_TRUE(Loopback::eventually([&] { return Loopback::contacts(net.snapshot(first)) == 2; }));
  net.stop(first);
  options.seeds.clear();
  const Driver again = net.add(options);
  EXPECT_TRUE(Loopback::eventually([&] { return joined(net, again); }));
}

TEST(KademliaDriver, ANodeThatDiesYoungRestartsFromItsSavedTable) {
  const kadenza::testing::TemporaryFolder folder;
  const auto left_behind = folder.path() / "left-behind";
  Loopback net;
  net.add();
  auto options = net.options();
  options.saved_table = folder.path() / "contacts";
  const Driver first = net.add(options);
  ASSERT_TRUE(Loopback::eventually([&] { return joined(net, first); }));
  ASSERT_TRUE(Loopback::eventually([&] { return std::filesystem::exists(options.saved_table); }));
  std::filesystem::copy(options.saved_table, left_behind);
  net.stop(first);
  options.seeds.clear();
  options.saved_table = left_behind;
  const Driver again = net.add(options);
  EXPECT_TRUE(Loopback::eventually([&] { return joined(net, again); }));
}

TEST(KademliaDriver, ADeadPortIsNoticedAtOnce) {
  Loopback net;
  for (int i = 0; i < 6; ++i) net.add();
  const Driver asker = net.drivers()[0];
  ASSERT_TRUE(Loopback::eventually([&] { return Loopback::contacts(net.snapshot(asker)) == 5; }));
  const core::NodeId dead = net.snapshot(net.drivers()[4]).self.id;
  net.stop(net.drivers()[4]);
  const auto found = net.look_up(asker, dead);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->failed, 1);
  EXPECT_EQ(found->contacts.size(), 4u);
  EXPECT_LT(found->took, 50ms) << "it waited for a time-out";
}

TEST(KademliaDriver, EveryLookupEnds) {
  Loopback net;
  const Driver alone = net.add();
  const auto nobody = net.look_up(alone, Key{});
  ASSERT_TRUE(nobody);
  EXPECT_TRUE(nobody->contacts.empty());

  auto options = net.options();
  const Driver second = net.add(options);
  ASSERT_TRUE(Loopback::eventually([&] { return joined(net, second); }));
  EXPECT_EQ(net.look_up(second, Key{}, LookupGoal::nearest(), -1s).error().code,
            core::Errc::kDeadlineExceeded);

  net.stop(second);
  const auto stopped = net.look_up(second, Key{});
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, core::Errc::kUnavailable);
}

TEST(KademliaDriver, KeysAreReplacedWithoutInterruption) {
  Loopback net;
  const Driver a = net.add();
  const Driver b = net.add();
  ASSERT_TRUE(Loopback::eventually([&] { return joined(net, a) && joined(net, b); }));
  identity::KeyRing old_first = net.ring;
  const auto fresh = identity::ClusterKey::generate();
  old_first.keys.push_back(fresh);
  net.wait(a->set_keys(old_first));
  net.wait(b->set_keys(old_first));
  identity::KeyRing new_first = net.ring;
  new_first.rotate(fresh);
  net.wait(a->set_keys(new_first));
  EXPECT_EQ(net.look_up(a, Key{})->contacts.size(), 1u);
  EXPECT_EQ(net.look_up(b, Key{})->contacts.size(), 1u);
  net.wait(a->set_keys({{fresh}}));
  net.wait(b->set_keys({{fresh}}));
  EXPECT_EQ(net.look_up(b, Key{})->contacts.size(), 1u);
}

TEST(KademliaDriver, TwoCannotShareAPort) {
  Loopback net;
  auto options = net.options();
  net.add(options);
  core::SystemClock clock;
  const auto second =
      KademliaDriver::open(net.io().get_executor(), net.io().get_executor(), clock, std::move(options));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, core::Errc::kConflict);
}

}  // namespace
}  // namespace kadenza::distributed::rpc
