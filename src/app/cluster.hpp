// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/strand.hpp>

#include "core/background.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/system_timers.hpp"
#include "core/task.hpp"
#include "distributed/cluster/document.hpp"
#include "distributed/cluster/exchange.hpp"
#include "distributed/control/control_server.hpp"
#include "distributed/enrolment/document_membership.hpp"
#include "distributed/enrolment/enrolment.hpp"
#include "distributed/enrolment/key_keeper.hpp"
#include "distributed/enrolment/standing.hpp"
#include "distributed/enrolment/web_issuer.hpp"
#include "distributed/enrolment/web_sources.hpp"
#include "distributed/peers/handlers.hpp"
#include "distributed/rpc/kademlia_driver.hpp"
#include "distributed/rpc/peer_connections.hpp"
#include "distributed/rpc/rpc_server.hpp"
#include "distributed/rpc/secure_random.hpp"
#include "distributed/rpc/tls/tls_identity.hpp"
#include "interface/serve_options.hpp"

namespace kadenza::app {

/// A node as a member of its cluster: its identity towards the others, the cluster document, calls to and
/// from other members, and the control socket. Owned by Node, which stops it before it destroys it.
class Cluster {
 public:
  struct Options {
    distributed::enrolment::Standing standing;
    interface::NetworkOptions network;
    distributed::cluster::Settings settings;  ///< of a cluster that begins here
    std::filesystem::path data;
    boost::asio::any_io_executor io;
    boost::asio::any_io_executor blocking;
    const core::Clock* clock = nullptr;
    std::shared_ptr<distributed::rpc::KademliaDriver> kademlia;  ///< its port is the server's, too
    std::vector<std::string> web_domains;                        ///< as WebIssuer::Options::domains
  };

  /// Reads the document. Blocking. Serves nothing yet: others may add to handlers() and control() first.
  static core::Result<std::unique_ptr<Cluster>> open(Options options);
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  distributed::peers::Handlers& handlers() noexcept { return handlers_; }
  distributed::peers::Peers& peers() noexcept { return *peers_; }
  distributed::cluster::ClusterDocument& document() noexcept { return *document_; }
  distributed::cluster::ClusterExchange& exchange() noexcept { return *exchange_; }
  distributed::control::ControlServer& control() noexcept { return *control_; }
  const std::string& name() const noexcept { return options_.standing.identity.name; }
  /// Who certifies nodes to browsers.
  std::vector<distributed::enrolment::WebSource> web_sources();
  /// This node began the cluster.
  bool founder() const;

  /// Connections of others that this node refused, and answers to its own that it did not believe.
  distributed::rpc::RefusalCounters::Snapshot refusals() const;

  /// Begins to serve other members and the control socket. Blocking.
  core::Result<void> start();
  core::Task<void> stop();

  /// Where a member is; from memory or by a lookup.
  core::Task<core::Result<distributed::kademlia::Contact>> find_contact(core::NodeId id,
                                                                        core::Deadline deadline);

 private:
  explicit Cluster(Options options);
  core::Result<void> open_document();
  core::Result<void> build();
  distributed::rpc::tls::TlsIdentity::IsMember member_check();
  void identity_changed(const distributed::identity::NodeIdentity& own);
  void note_retired(const distributed::identity::NodeIdentity& own);
  void keys_changed(const distributed::identity::ClusterKeys& keys);
  core::Task<void> keep_up();
  core::Task<void> look_after_membership();
  core::Task<void> look_after_keys();
  core::Task<void> note_contacts();
  std::vector<distributed::kademlia::Contact> known_contacts() const;
  core::Task<std::vector<distributed::kademlia::Contact>> seeds();

  Options options_;
  const core::NodeId self_;
  core::SystemTimers timers_;
  distributed::rpc::SecureRandom random_;
  boost::asio::strand<boost::asio::any_io_executor> strand_;

  mutable std::mutex contacts_mutex_;  ///< guards contacts_
  std::vector<distributed::kademlia::Contact> contacts_;
  std::atomic<bool> only_listed_ = false;

  std::unique_ptr<distributed::cluster::ClusterDocument> document_;
  std::shared_ptr<distributed::rpc::tls::TlsIdentity> identity_;
  std::unique_ptr<distributed::rpc::PeerConnections> peers_;
  std::unique_ptr<distributed::cluster::ClusterExchange> exchange_;
  std::unique_ptr<distributed::enrolment::DocumentMembership> membership_;
  std::unique_ptr<distributed::enrolment::KeyKeeper> keys_;
  std::unique_ptr<distributed::enrolment::Enrolment> enrolment_;
  std::unique_ptr<distributed::enrolment::WebIssuer> web_issuer_;
  distributed::peers::Handlers handlers_;
  std::shared_ptr<distributed::peers::Handlers> joining_ = std::make_shared<distributed::peers::Handlers>();
  std::unique_ptr<distributed::rpc::RpcServer> server_;
  std::unique_ptr<distributed::control::ControlServer> control_;

  core::Background loops_;
  // On the strand:
  std::size_t next_key_partner_ = 0;
  core::Digest seen_;  ///< the document that this node's identity is up to date with
};

}  // namespace kadenza::app
