// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/types.h>

#include "core/error.hpp"
#include "core/ids.hpp"
#include "distributed/identity/certificate.hpp"
#include "distributed/identity/node_key.hpp"

namespace kadenza::distributed::rpc::tls {

/// The TLS server name of those who have no certificate yet and want one.
inline constexpr std::string_view kJoinServerName = "join.kadenza";

/// What a node shows of itself and whom it believes, as PEM. A node's certificate has its id (52 characters)
/// as DNS name, and is for both ends of TLS.
struct Credentials {
  std::string certificate;  ///< the node's own, then intermediate ones, if any
  std::string authorities;  ///< the cluster's, one or more
};

/// TLS settings made of one set of credentials. Immutable; any thread.
struct TlsContexts {
  std::shared_ptr<SSL_CTX> server;
  std::shared_ptr<SSL_CTX> client;
  std::vector<identity::Certificate> authorities;
};

/// A node's identity in TLS, shared by its server and its connections to others. Any thread.
class TlsIdentity {
 public:
  /// False for nodes that were removed, or were never members; called from any thread, in every handshake
  /// and for every call that is served.
  using IsMember = std::function<bool(const core::NodeId&)>;

  /// kInvalidArgument: the certificate is not this key's, has another name than its id, or is not signed by
  /// one of the authorities.
  static core::Result<std::shared_ptr<TlsIdentity>> create(const identity::NodeKey& key,
                                                           const Credentials& credentials,
                                                           IsMember is_member);

  /// New handshakes use these; connections that exist stay. As create(); on an error the old ones stay.
  core::Result<void> replace(const Credentials& credentials);

  const core::NodeId& id() const noexcept { return id_; }
  bool is_member(const core::NodeId& id) const { return is_member_(id); }
  std::shared_ptr<const TlsContexts> contexts() const;

 private:
  TlsIdentity(const identity::NodeKey& key, IsMember is_member);
  core::Result<std::shared_ptr<const TlsContexts>> make(const Credentials& credentials) const;

  core::NodeId id_;
  std::shared_ptr<EVP_PKEY> key_;
  IsMember is_member_;
  mutable std::mutex mutex_;  ///< guards contexts_
  std::shared_ptr<const TlsContexts> contexts_;
};

/// For a client without a certificate, who wants to join: no server, no authorities.
core::Result<std::shared_ptr<const TlsContexts>> make_join_contexts();

}  // namespace kadenza::distributed::rpc::tls
