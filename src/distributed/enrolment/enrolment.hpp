// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/task.hpp"
#include "distributed/enrolment/key_keeper.hpp"
#include "distributed/enrolment/membership.hpp"
#include "distributed/identity/authority.hpp"
#include "distributed/identity/invitations.hpp"
#include "distributed/identity/join_token.hpp"
#include "distributed/identity/node_identity.hpp"
#include "distributed/peers/handlers.hpp"
#include "distributed/peers/peers.hpp"

namespace kadenza::v1 {
class JoinReply;
class JoinRequest;
class RenewReply;
class RenewRequest;
}  // namespace kadenza::v1

namespace kadenza::distributed::enrolment {

/// A node's own files of identity in its data folder; all with mode 0600.
struct IdentityFiles {
  explicit IdentityFiles(const std::filesystem::path& folder);

  std::filesystem::path node_key;         ///< NodeKey
  std::filesystem::path membership;       ///< NodeIdentity; written last, so its presence means "enrolled"
  std::filesystem::path keys;             ///< ClusterKeys
  std::filesystem::path authority;        ///< Authority, on issuers
  std::filesystem::path invitations;      ///< Invitations, on issuers
  std::filesystem::path web_authority;    ///< WebAuthority, on issuers that were asked for certificates
  std::filesystem::path web_key;          ///< WebKey
  std::filesystem::path web_certificate;  ///< for browsers, with its authority's behind it
};

/// How nodes enter the cluster, stay in it and leave it, on this node: every issuer certifies those that
/// bring one of its tokens and renews the certificates of members; every member can be made an issuer.
/// Thread-safe; owned by the composition root, which lets running calls end before it destroys this.
class Enrolment {
 public:
  struct Options {
    IdentityFiles files;
    std::shared_ptr<const identity::NodeKey> key;
    identity::NodeIdentity identity;
    std::optional<identity::Authority> authority;  ///< this node is an issuer
    std::vector<std::string> addresses;            ///< of this node for tokens, "HOST:PORT"
    boost::asio::any_io_executor blocking;
    Membership* membership = nullptr;
    KeyKeeper* keys = nullptr;
    peers::Peers* peers = nullptr;
    FindContact find_contact;
    /// Members for a newcomer to ask first, this node's own contact at the front.
    std::function<core::Task<std::vector<kademlia::Contact>>()> seeds;
    const core::Clock* clock = nullptr;
    /// Told when this node has another certificate or knows other authorities; on `blocking`.
    std::function<void(const identity::NodeIdentity&)> changed;
  };

  /// Reads the invitations. Blocking; as Invitations::open().
  static core::Result<std::unique_ptr<Enrolment>> open(Options options);
  Enrolment(const Enrolment&) = delete;
  Enrolment& operator=(const Enrolment&) = delete;

  /// Makes the document name this node, and its authority if it has one: what the first node of a cluster
  /// and a recovered one do at their start. Changes nothing on other nodes.
  core::Task<core::Result<void>> register_self();

  /// kForbidden, naming the issuers: this node is none.
  core::Task<core::Result<void>> check_issuer();

  /// For people. As check_issuer().
  core::Task<core::Result<identity::JoinToken>> invite(std::string name, std::chrono::seconds lifetime);
  core::Task<core::Result<void>> make_issuer(core::NodeId member);
  /// Returns the members that could not be told of the new keys at once.
  core::Task<core::Result<std::vector<core::NodeId>>> remove(core::NodeId member);
  /// What recover() needs, sealed with the passphrase.
  core::Task<core::Result<std::string>> export_cluster(std::string passphrase);

  /// Learns the authorities of new issuers, and gets a new certificate while the present one is good, or when
  /// its issuer was removed. To be called when the document has changed and from time to time.
  core::Task<core::Result<void>> refresh();

  /// Offers Renew and BecomeIssuer to other members.
  void serve(peers::Handlers& handlers);
  /// Offers Join to newcomers, who have no certificate and are known by their token only.
  void serve_joining(peers::Handlers& handlers);

 private:
  /// What this node is at one moment.
  struct Standing {
    std::shared_ptr<const identity::NodeIdentity> identity;
    std::optional<identity::Authority> authority;
  };
  Enrolment(Options options, identity::Invitations invitations);
  core::Task<Standing> standing();
  /// The same; kForbidden when this node is no issuer.
  core::Task<core::Result<Standing>> issuer_standing();
  core::Task<core::Result<identity::Authority>> become_issuer();
  core::Task<core::Result<void>> learn(std::vector<identity::Certificate> known);
  core::Task<core::Result<void>> take_certificate(identity::Certificate certificate,
                                                  std::vector<identity::Certificate> known);
  core::Task<core::Result<v1::JoinReply>> join(v1::JoinRequest request);
  core::Task<core::Result<v1::RenewReply>> renew(core::NodeId caller, v1::RenewRequest request);
  core::Task<core::Result<void>> renew_at(core::NodeId issuer);
  core::Result<void> become(identity::NodeIdentity next);
  core::Error not_an_issuer() const;

  Options options_;
  boost::asio::any_io_executor owner_;  ///< a strand of `blocking`: files, and what follows, change on it
  Standing standing_;
  identity::Invitations invitations_;
};

}  // namespace kadenza::distributed::enrolment
