// SPDX-License-Identifier: AGPL-3.0-or-later
// The contract of a library, kept by a cluster: nodes with disks and TLS connections, of which one is asked.
#include "distributed/distributed_library.hpp"

#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include "contract/music_library_contract.hpp"
#include "core/system_timers.hpp"
#include "distributed/member.hpp"
#include "distributed/rpc/peer_connections.hpp"
#include "distributed/rpc/rpc_server.hpp"
#include "distributed/rpc/secure_random.hpp"
#include "distributed/streaming/song_cache.hpp"
#include "services/library/local_library.hpp"
#include "support/certificates.hpp"
#include "support/temporary_folder.hpp"
#include "unit/distributed/placement/known_nodes.hpp"

namespace kadenza::distributed {
namespace {

using core::Task;
using kadenza::testing::TestAuthority;
using namespace std::chrono_literals;

/// Two of the four nodes hold a song, so that the node that is asked has to fetch about half of them.
constexpr std::size_t kNodes = 4;
constexpr cluster::Settings kSettings{.replicas = 2, .write_quorum = 2};

/// What the machine gives to all nodes of a test.
struct Machine {
  TestAuthority authority;
  core::SystemClock clock;
  core::SystemTimers timers;
  boost::asio::io_context io;
  boost::asio::thread_pool blocking{8};
  std::vector<kademlia::Contact> nodes;
};

class Node {
 public:
  explicit Node(Machine& machine)
      : machine_(machine),
        identity_(*rpc::tls::TlsIdentity::create(key_, machine.authority.credentials(key_),
                                                 [](const core::NodeId&) { return true; })),
        peers_(machine.io.get_executor(), machine.clock, identity_) {
    open_local();
    rpc::RpcServer::Options options;
    options.listen = {{boost::asio::ip::make_address("127.0.0.1"), 0}};
    server_ = std::make_unique<rpc::RpcServer>(machine.io.get_executor(), machine.clock, identity_, handlers_,
                                               options);
  }

  /// The port is bound; nobody calls before all nodes have begun().
  void listen() {
    KADENZA_CHECK(server_->start());
    self_ = {key_.id(), kademlia::Endpoint::v4(0x7f000001, server_->endpoints().at(0).port()), 8};
    machine_.nodes.push_back(self_);
  }

  void begin() {
    for (const auto& contact : machine_.nodes) {
      if (contact.id != self_.id) others_.nodes.emplace_back(contact);
    }
    Member::Parts parts{.self = self_,
                        .peers = peers_,
                        .routing = others_,
                        .songs = local_->songs(),
                        .rows = local_->rows(),
                        .documents = local_->documents(),
                        .cache = cache_.get(),
                        .clock = machine_.clock,
                        .timers = machine_.timers,
                        .random = random_,
                        .executor = machine_.io.get_executor(),
                        .blocking = machine_.blocking.get_executor(),
                        .settings = kSettings,
                        .repair = {},
                        .is_member = [](const core::NodeId&) { return true; },
                        .enrolled = [] { return kNodes; },
                        .on_round = {}};
    member_ = std::make_unique<Member>(std::move(parts));
    member_->serve(handlers_);
    library_ = std::make_unique<DistributedLibrary>(*local_, member_->replicator(), member_->remote_songs());
    member_->start();
  }

  Task<void> leave() { return member_->stop(); }
  Task<void> stop() {
    co_await server_->stop(1s);
    co_await peers_.stop();
    co_await local_->stop();
  }

  core::MusicLibrary& library() { return *library_; }

 private:
  void open_local() {
    services::library::LocalLibrary::Options options;
    options.data = folder_.path();
    options.media_program = KADENZA_MEDIA_PROGRAM;
    options.io = machine_.io.get_executor();
    options.blocking = machine_.blocking.get_executor();
    options.clock = &machine_.clock;
    auto opened = services::library::LocalLibrary::open(std::move(options));
    KADENZA_CHECK(opened);
    local_ = std::move(*opened);
    auto cache = streaming::SongCache::open({.folder = folder_.path() / "cache"});
    KADENZA_CHECK(cache);
    cache_ = std::move(*cache);
  }

  Machine& machine_;
  const identity::NodeKey key_ = *identity::NodeKey::generate();
  const std::shared_ptr<rpc::tls::TlsIdentity> identity_;
  kadenza::testing::TemporaryFolder folder_;
  rpc::SecureRandom random_;
  rpc::PeerConnections peers_;
  placement::KnownNodes others_;
  peers::Handlers handlers_;
  std::unique_ptr<services::library::LocalLibrary> local_;
  std::unique_ptr<streaming::SongCache> cache_;
  std::unique_ptr<rpc::RpcServer> server_;
  kademlia::Contact self_;
  std::unique_ptr<Member> member_;
  std::unique_ptr<DistributedLibrary> library_;
};

class ClusterUnderTest final : public kadenza::testing::LibraryUnderTest {
 public:
  ClusterUnderTest() {
    for (std::size_t i = 0; i < kNodes; ++i) nodes_.push_back(std::make_unique<Node>(machine_));
    for (const auto& node : nodes_) node->listen();
    for (const auto& node : nodes_) node->begin();
  }
  ~ClusterUnderTest() override {
    auto stop_all = [this]() -> Task<void> {
      for (const auto& node : nodes_) co_await node->leave();
      for (const auto& node : nodes_) co_await node->stop();
    };
    machine_.io.restart();
    auto stopped = boost::asio::co_spawn(machine_.io, std::move(stop_all), boost::asio::use_future);
    machine_.io.run();
    stopped.get();
  }

  core::MusicLibrary& library() override { return nodes_.front()->library(); }
  const core::Clock& clock() const override { return machine_.clock; }
  boost::asio::io_context& io_context() override { return machine_.io; }

 private:
  Machine machine_;
  std::vector<std::unique_ptr<Node>> nodes_;
};

}  // namespace
}  // namespace kadenza::distributed

namespace kadenza::testing {

INSTANTIATE_TEST_SUITE_P(Cluster, MusicLibraryContract,
                         ::testing::Values(LibraryFactory{
                             "cluster", [] { return std::make_unique<distributed::ClusterUnderTest>(); }}),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace kadenza::testing
