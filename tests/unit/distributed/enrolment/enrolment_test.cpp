// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/enrolment/enrolment.hpp"

#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include "distributed/enrolment/first_start.hpp"
#include "distributed/enrolment/methods.hpp"
#include "support/memory_membership.hpp"
#include "support/temporary_folder.hpp"

namespace kadenza::distributed::enrolment {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using core::Errc;
using core::Result;
using core::Task;
using identity::ClusterKeys;

class TestClock final : public core::Clock {
 public:
  core::Instant now() const noexcept override { return machine_.now() + ahead; }
  core::WallTime wall_now() const noexcept override {
    return machine_.wall_now() + std::chrono::duration_cast<std::chrono::milliseconds>(ahead);
  }
  std::chrono::hours ahead{0};

 private:
  core::SystemClock machine_;
};

class World;

/// The calls of one node to others of the world.
class WorldPeers final : public peers::Peers {
 public:
  WorldPeers(World& world, core::NodeId self) : world_(world), self_(self) {}
  Task<Result<std::string>> call(kademlia::Contact to, std::string_view path, std::string request,
                                 core::Deadline deadline) override;

 private:
  World& world_;
  core::NodeId self_;
};

struct TestNode {
  TestNode(World& world, std::string given_name);
  void start(identity::NodeIdentity identity);
  kademlia::Contact contact() const { return {key->id(), *kademlia::Endpoint::parse("192.0.2.1:4748"), 1}; }
  core::NodeId id() const { return key->id(); }

  World& world;
  std::string name;
  kadenza::testing::TemporaryFolder folder;
  IdentityFiles files{folder.path()};
  std::shared_ptr<const identity::NodeKey> key;
  WorldPeers peers;
  peers::Handlers handlers;
  peers::Handlers joining;
  std::optional<ClusterKeys> told;  ///< the last keys that the node was told of
  std::unique_ptr<KeyKeeper> keys;
  std::unique_ptr<Enrolment> enrolment;
  bool reachable = true;
  std::string document;
};

class World {
 public:
  template <class T>
  T run(Task<T> task) {
    std::optional<T> result;  // Asio's future wants results that can be made from nothing
    auto keep = [&]() -> Task<void> { result.emplace(co_await std::move(task)); };
    asio::co_spawn(pool, keep, asio::use_future).get();
    return std::move(*result);
  }

  TestNode& add_first() {
    TestNode& node = add_stranger("first");
    node.start(*create_cluster(node.files, *node.key, node.name, clock.wall_now()));
    return node;
  }
  TestNode& add_stranger(std::string name) {
    nodes.push_back(std::make_unique<TestNode>(*this, std::move(name)));
    return *nodes.back();
  }
  TestNode& add_joined(TestNode& issuer, std::string name) {
    TestNode& node = add_stranger(std::move(name));
    const auto token = run(issuer.enrolment->invite("", 1h));
    EXPECT_TRUE(token);
    auto identity = join(node, issuer, *token);
    EXPECT_TRUE(identity) << identity.error().detail;
    node.start(std::move(*identity));
    return node;
  }
  Result<identity::NodeIdentity> join(TestNode& node, TestNode& issuer, identity::JoinToken token) {
    JoinCall call = [&](std::string, core::Digest, std::string request,
                        core::Deadline) -> Task<Result<std::string>> {
      co_return co_await (*issuer.joining.find("/kadenza.v1.Enrolment/Join"))({}, std::move(request));
    };
    SaveDocument save = [&](std::string_view document) -> Result<void> {
      node.document = document;
      return {};
    };
    return run(enrol(node.files, *node.key, token, node.name, call, save, clock));
  }
  TestNode* find(const core::NodeId& id) {
    for (auto& node : nodes) {
      if (node->id() == id) return node.get();
    }
    return nullptr;
  }
  ClusterKeys keys_of(TestNode& node) { return run(node.keys->current()); }

  TestClock clock;
  asio::thread_pool pool{2};
  kadenza::testing::MemoryMembership membership;
  std::vector<std::unique_ptr<TestNode>> nodes;
};

Task<Result<std::string>> WorldPeers::call(kademlia::Contact to, std::string_view path, std::string request,
                                           core::Deadline deadline) {
  TestNode* node = world_.find(to.id);
  if (node == nullptr || !node->reachable) co_return core::fail(Errc::kUnavailable, "nobody answers");
  const auto* handler = node->handlers.find(path);
  if (handler == nullptr) co_return core::fail(Errc::kNotFound, "no such method");
  co_return co_await (*handler)(peers::Caller{self_, deadline}, std::move(request));
}

TestNode::TestNode(World& given_world, std::string given_name)
    : world(given_world),
      name(std::move(given_name)),
      key(std::make_shared<identity::NodeKey>(*identity::NodeKey::load_or_create(files.node_key))),
      peers(world, key->id()) {}

void TestNode::start(identity::NodeIdentity identity) {
  FindContact find_contact = [this](core::NodeId id, core::Deadline) -> Task<Result<kademlia::Contact>> {
    TestNode* node = world.find(id);
    if (node == nullptr) co_return core::fail(Errc::kUnavailable, "not known");
    co_return node->contact();
  };
  keys = std::make_unique<KeyKeeper>(
      KeyKeeper::Options{.self = id(),
                         .keys = *ClusterKeys::load(files.keys),
                         .file = files.keys,
                         .blocking = world.pool.get_executor(),
                         .peers = &peers,
                         .membership = &world.membership,
                         .find_contact = find_contact,
                         .clock = &world.clock,
                         .changed = [this](const ClusterKeys& changed) { told = changed; }});
  Enrolment::Options options{.files = files,
                             .key = key,
                             .identity = std::move(identity),
                             .authority = *identity::Authority::load(files.authority),
                             .addresses = {"127.0.0.1:4748"},
                             .blocking = world.pool.get_executor(),
                             .membership = &world.membership,
                             .keys = keys.get(),
                             .peers = &peers,
                             .find_contact = find_contact,
                             .clock = &world.clock};
  options.seeds = [this]() -> Task<std::vector<kademlia::Contact>> {
    std::vector<kademlia::Contact> seeds{contact()};
    co_return seeds;
  };
  enrolment = *Enrolment::open(std::move(options));
  enrolment->serve(handlers);
  enrolment->serve_joining(joining);
  keys->serve(handlers);
  EXPECT_TRUE(world.run(enrolment->register_self()));
}

class EnrolmentTest : public ::testing::Test {
 protected:
  World world_;
  TestNode& first_ = world_.add_first();
};

std::string file_content(const std::filesystem::path& file) {
  std::stringstream content;
  content << std::ifstream(file, std::ios::binary).rdbuf();
  return content.str();
}

TEST_F(EnrolmentTest, ANodeThatBringsATokenBecomesAMember) {
  TestNode& second = world_.add_joined(first_, "second");
  const auto members = world_.membership.members();
  ASSERT_EQ(members.size(), 2u);
  EXPECT_EQ(find(members, second.id())->name, "second");
  EXPECT_FALSE(find(members, second.id())->authority);
  EXPECT_TRUE(find(members, first_.id())->authority);
  EXPECT_EQ(second.document, "a document");
  EXPECT_EQ(world_.keys_of(second), world_.keys_of(first_));

  const auto kept = identity::NodeIdentity::load(second.files.membership);
  ASSERT_TRUE(kept && *kept);
  EXPECT_EQ(*check_certificate((*kept)->certificate, (*kept)->authorities, world_.clock.wall_now()),
            second.id());
  EXPECT_EQ((*kept)->seeds.front().id, first_.id());
  for (const auto& entry : std::filesystem::directory_iterator(second.folder.path())) {
    EXPECT_EQ(entry.status().permissions(), std::filesystem::perms(0600)) << entry.path();
  }
}

TEST_F(EnrolmentTest, ATokenIsForOneNodeWhichMayRepeat) {
  const auto token = world_.run(first_.enrolment->invite("attic", 1h));
  TestNode& second = world_.add_stranger("second");
  TestNode& third = world_.add_stranger("third");
  EXPECT_EQ(world_.join(second, first_, *token)->name, "attic");
  EXPECT_EQ(world_.join(second, first_, *token)->name, "attic");
  EXPECT_EQ(world_.membership.members().size(), 2u);
  EXPECT_EQ(world_.join(third, first_, *token).error().code, Errc::kConflict);
  EXPECT_FALSE(std::filesystem::exists(third.files.membership));
  EXPECT_FALSE(std::filesystem::exists(third.files.keys));
  EXPECT_EQ(world_.run(first_.enrolment->invite("attic", 1h)).error().code, Errc::kConflict);
}

TEST_F(EnrolmentTest, ExpiredTokensAndThoseOfOtherIssuersAreRefused) {
  const auto token = world_.run(first_.enrolment->invite("", 1h));
  TestNode& second = world_.add_joined(first_, "second");
  ASSERT_TRUE(world_.run(first_.enrolment->make_issuer(second.id())));
  TestNode& third = world_.add_stranger("third");
  EXPECT_EQ(world_.join(third, second, *token).error().code, Errc::kNotFound) << "only where it was made";
  world_.clock.ahead = 2h;
  EXPECT_EQ(world_.join(third, first_, *token).error().code, Errc::kForbidden);
  EXPECT_EQ(world_.membership.members().size(), 2u);
}

TEST_F(EnrolmentTest, NobodyIsCertifiedUnderAnothersId) {
  const auto token = world_.run(first_.enrolment->invite("", 1h));
  TestNode& second = world_.add_stranger("second");
  JoinCall call = [&](std::string, core::Digest, std::string request,
                      core::Deadline) -> Task<Result<std::string>> {
    v1::JoinRequest parsed;
    EXPECT_TRUE(parsed.ParseFromString(request));
    std::string& der = *parsed.mutable_certificate_request();
    const std::string own = second.id().text();
    der.replace(der.find(own), own.size(), first_.id().text());
    auto forged = parsed.SerializeAsString();
    co_return co_await (*first_.joining.find("/kadenza.v1.Enrolment/Join"))({}, std::move(forged));
  };
  const SaveDocument save = [](std::string_view) { return Result<void>(); };
  const auto refused =
      world_.run(enrol(second.files, *second.key, *token, "second", call, save, world_.clock));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kInvalidArgument);
  EXPECT_EQ(world_.membership.members().size(), 1u);
}

TEST_F(EnrolmentTest, AnAnswerThatIsNotFromTheTokensAuthorityIsNotTaken) {
  World other;
  TestNode& impostor = other.add_first();
  auto token = *world_.run(first_.enrolment->invite("", 1h));
  token.secret = other.run(impostor.enrolment->invite("", 1h))->secret;
  TestNode& second = world_.add_stranger("second");
  const auto refused = world_.join(second, impostor, token);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().detail.find("not from the authority of the token"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(second.files.membership));
}

TEST_F(EnrolmentTest, AnUnreachableIssuerIsNamedWithAllItsAddresses) {
  auto token = *world_.run(first_.enrolment->invite("", 1h));
  token.addresses = {"attic.example:1", "192.0.2.1:2"};
  const JoinCall silence = [](std::string, core::Digest, std::string,
                              core::Deadline) -> Task<Result<std::string>> {
    co_return core::fail(Errc::kUnavailable, "connection refused");
  };
  const SaveDocument save = [](std::string_view) { return Result<void>(); };
  TestNode& second = world_.add_stranger("second");
  const auto refused =
      world_.run(enrol(second.files, *second.key, token, "second", silence, save, world_.clock));
  EXPECT_EQ(refused.error().code, Errc::kUnavailable);
  for (const char* word : {"attic.example:1", "192.0.2.1:2", "connection refused"}) {
    EXPECT_NE(refused.error().detail.find(word), std::string::npos) << refused.error().detail;
  }
}

TEST_F(EnrolmentTest, OnlyIssuersInviteRemoveAndExport) {
  TestNode& second = world_.add_joined(first_, "second");
  const auto refused = world_.run(second.enrolment->invite("", 1h));
  EXPECT_EQ(refused.error().code, Errc::kForbidden);
  EXPECT_NE(refused.error().detail.find("first"), std::string::npos) << "it names the issuers";
  EXPECT_EQ(world_.run(second.enrolment->remove(first_.id())).error().code, Errc::kForbidden);
  EXPECT_EQ(world_.run(second.enrolment->export_cluster("long enough")).error().code, Errc::kForbidden);
  EXPECT_EQ(world_.run(second.enrolment->make_issuer(second.id())).error().code, Errc::kForbidden);

  TestNode& third = world_.add_joined(first_, "third");
  const auto asked = world_.run(
      peers::call(second.peers, third.contact(), v1::BecomeIssuerRequest(), core::Deadline::max()));
  EXPECT_EQ(asked.error().code, Errc::kForbidden) << "a member cannot appoint either";
}

TEST_F(EnrolmentTest, RemovalRotatesTheKeysOfAllWhoStay) {
  TestNode& second = world_.add_joined(first_, "second");
  TestNode& third = world_.add_joined(first_, "third");
  const ClusterKeys before = world_.keys_of(first_);
  const auto unreached = world_.run(first_.enrolment->remove(third.id()));
  ASSERT_TRUE(unreached);
  EXPECT_TRUE(unreached->empty());
  const ClusterKeys after = world_.keys_of(first_);
  EXPECT_EQ(after.stage, ClusterKeys::Stage::kSettled);
  EXPECT_EQ(after.cluster.find(before.cluster.current().id()), nullptr);
  EXPECT_NE(after.account.current(), before.account.current());
  EXPECT_EQ(world_.keys_of(second), after);
  EXPECT_EQ(*second.told, after);
  EXPECT_EQ(*ClusterKeys::load(second.files.keys), after);
  EXPECT_EQ(world_.keys_of(third), before) << "the removed node learns nothing";

  EXPECT_EQ(find(world_.membership.members(), third.id()), nullptr);
  const auto token = world_.run(first_.enrolment->invite("", 1h));
  EXPECT_EQ(world_.join(third, first_, *token).error().code, Errc::kForbidden) << "removal is final";
  EXPECT_EQ(world_.run(first_.enrolment->remove(first_.id())).error().code, Errc::kInvalidArgument);
}

TEST_F(EnrolmentTest, AMemberThatWasAwayCatchesUp) {
  TestNode& second = world_.add_joined(first_, "second");
  TestNode& third = world_.add_joined(first_, "third");
  TestNode& fourth = world_.add_joined(first_, "fourth");
  second.reachable = false;
  EXPECT_EQ(*world_.run(first_.enrolment->remove(third.id())), std::vector{second.id()});
  EXPECT_NE(world_.keys_of(second), world_.keys_of(first_));
  second.reachable = true;
  ASSERT_TRUE(world_.run(second.keys->exchange(fourth.contact()))) << "any member has them";
  EXPECT_EQ(world_.keys_of(second), world_.keys_of(first_));
}

TEST_F(EnrolmentTest, AnotherIssuerFinishesARotation) {
  TestNode& second = world_.add_joined(first_, "second");
  ClusterKeys begun = world_.keys_of(first_);
  begun.begin_rotation();
  v1::ExchangeKeysRequest request;
  request.set_keys(begun.text());
  ASSERT_TRUE(
      world_.run(peers::call(first_.peers, second.contact(), std::move(request), core::Deadline::max())));
  first_.reachable = false;
  ASSERT_TRUE(world_.run(second.keys->finish_rotation()));
  EXPECT_EQ(world_.keys_of(second).stage, ClusterKeys::Stage::kAnnounced) << "not at once";
  world_.clock.ahead = 1h;
  ASSERT_TRUE(world_.run(second.keys->finish_rotation()));
  EXPECT_EQ(world_.keys_of(second).stage, ClusterKeys::Stage::kSettled);
  EXPECT_EQ(world_.keys_of(second).cluster.current(), begun.cluster.keys[1]);
}

TEST_F(EnrolmentTest, RemovalsByTwoIssuersAtOnceEndWithOneKeyThatNeitherVictimKnows) {
  TestNode& second = world_.add_joined(first_, "second");
  TestNode& third = world_.add_joined(first_, "third");
  ASSERT_TRUE(world_.run(first_.enrolment->make_issuer(second.id())));
  TestNode& victim = world_.add_joined(first_, "victim");
  TestNode& other = world_.add_joined(second, "other");
  auto one = asio::co_spawn(world_.pool, first_.enrolment->remove(victim.id()), asio::use_future);
  auto two = asio::co_spawn(world_.pool, second.enrolment->remove(other.id()), asio::use_future);
  ASSERT_TRUE(one.get());
  ASSERT_TRUE(two.get());
  const ClusterKeys after = world_.keys_of(first_);
  EXPECT_EQ(after.stage, ClusterKeys::Stage::kSettled);
  EXPECT_EQ(world_.keys_of(second), after);
  EXPECT_EQ(world_.keys_of(third), after);
}

TEST_F(EnrolmentTest, WithTheFirstNodeLostAnotherIssuerGoesOn) {
  TestNode& second = world_.add_joined(first_, "second");
  TestNode& third = world_.add_joined(first_, "third");
  ASSERT_TRUE(world_.run(first_.enrolment->make_issuer(second.id())));
  ASSERT_TRUE(world_.run(first_.enrolment->make_issuer(second.id()))) << "twice does no harm";
  first_.reachable = false;

  TestNode& fourth = world_.add_joined(second, "fourth");
  EXPECT_EQ(*world_.run(second.enrolment->remove(first_.id())), std::vector<core::NodeId>());
  EXPECT_EQ(world_.keys_of(third), world_.keys_of(fourth));

  // Who was certified by the lost node is certified anew.
  ASSERT_TRUE(world_.run(third.enrolment->refresh()));
  const auto renewed = *identity::NodeIdentity::load(third.files.membership);
  EXPECT_TRUE(
      renewed->certificate.signed_by((*identity::Authority::load(second.files.authority))->certificate()));
}

TEST_F(EnrolmentTest, MembersLearnTheAuthoritiesOfNewIssuers) {
  TestNode& second = world_.add_joined(first_, "second");
  TestNode& third = world_.add_joined(first_, "third");
  ASSERT_TRUE(world_.run(first_.enrolment->make_issuer(second.id())));
  ASSERT_TRUE(world_.run(third.enrolment->refresh()));
  const auto known = (*identity::NodeIdentity::load(third.files.membership))->authorities;
  const auto seconds = (*identity::NodeIdentity::load(second.files.membership))->certificate;
  EXPECT_EQ(*check_certificate(seconds, known, world_.clock.wall_now()), second.id());
  EXPECT_TRUE(seconds.signed_by((*identity::Authority::load(second.files.authority))->certificate()));
}

TEST_F(EnrolmentTest, CertificatesAreRenewedInTime) {
  TestNode& second = world_.add_joined(first_, "second");
  const std::string before = file_content(second.files.membership);
  ASSERT_TRUE(world_.run(second.enrolment->refresh()));
  EXPECT_EQ(file_content(second.files.membership), before) << "not before it is due";
  world_.clock.ahead = 24h * 300;
  ASSERT_TRUE(world_.run(second.enrolment->refresh()));
  ASSERT_TRUE(world_.run(first_.enrolment->refresh()));
  const auto now = world_.clock.wall_now();
  for (const TestNode* node : {&first_, &second}) {
    const auto renewed = *identity::NodeIdentity::load(node->files.membership);
    EXPECT_GT(renewed->certificate.not_after(), now + 24h * 300);
    EXPECT_EQ(*check_certificate(renewed->certificate, renewed->authorities, now), node->id());
  }
}

TEST_F(EnrolmentTest, AnExportMakesAnIssuerOfANewNodeOrOfAMember) {
  TestNode& second = world_.add_joined(first_, "second");
  const auto exported = world_.run(first_.enrolment->export_cluster("correct horse"));
  ASSERT_TRUE(exported);
  first_.reachable = false;

  TestNode& fresh = world_.add_stranger("fresh");
  const auto now = world_.clock.wall_now();
  SaveDocument save = [&](std::string_view document) -> Result<void> {
    fresh.document = document;
    return {};
  };
  EXPECT_EQ(recover_cluster(fresh.files, *exported, "another phrase", "fresh", save, now).error().code,
            Errc::kForbidden);
  EXPECT_FALSE(std::filesystem::exists(fresh.files.authority));
  auto recovered = recover_cluster(fresh.files, *exported, "correct horse", "fresh", save, now);
  ASSERT_TRUE(recovered) << recovered.error().detail;
  EXPECT_EQ(*check_certificate(recovered->certificate, authorities(world_.membership.members()), now),
            fresh.id())
      << "the others believe its certificate";
  EXPECT_EQ(fresh.document, "a document");
  fresh.start(std::move(*recovered));
  EXPECT_EQ(*world_.run(fresh.enrolment->remove(first_.id())), std::vector<core::NodeId>());
  EXPECT_EQ(world_.keys_of(fresh), world_.keys_of(second));
  world_.add_joined(fresh, "newcomer");

  ASSERT_TRUE(recover_cluster(second.files, *exported, "correct horse", "x", save, now));
  EXPECT_TRUE(identity::Authority::load(second.files.authority)->has_value());
  EXPECT_EQ((*identity::NodeIdentity::load(second.files.membership))->name, "second");
  EXPECT_EQ(*ClusterKeys::load(second.files.keys), world_.keys_of(fresh)) << "its newer keys stay";
  EXPECT_EQ(recover_cluster(second.files, *exported, "correct horse", "x", save, now).error().code,
            Errc::kConflict);

  World elsewhere;
  TestNode& foreign = elsewhere.add_first();
  std::filesystem::remove(foreign.files.authority);
  EXPECT_EQ(recover_cluster(foreign.files, *exported, "correct horse", "x", save, now).error().code,
            Errc::kConflict);
}

}  // namespace
}  // namespace kadenza::distributed::enrolment
