// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include <openssl/types.h>

#include "core/ids.hpp"
#include "distributed/rpc/refusals.hpp"
#include "distributed/rpc/tls/tls_identity.hpp"

namespace kadenza::distributed::rpc::tls {

class TlsEngine;

/// What one handshake asks of the other side, and what it found. Belongs to the connection and outlives its
/// TlsEngine.
struct PeerCheck {
  // Asked. A null `identity`: the other side's certificate only has to lead to `authority`.
  const TlsIdentity* identity = nullptr;
  std::shared_ptr<const TlsContexts> contexts;
  std::optional<core::NodeId> wanted;     ///< client: nobody else will do
  std::optional<core::Digest> authority;  ///< joining client: the authority's fingerprint
  bool may_join = false;                  ///< server: strangers may ask to join

  // Found.
  bool joining = false;  ///< server: the other side has no certificate and wants one
  core::NodeId id;       ///< the other side, once the handshake is done and unless it is joining
  std::optional<Refusal> refusal;
};

/// Makes `engine` check by `check`.
void attach(PeerCheck& check, TlsEngine& engine);
/// Makes connections of `context` do what their PeerCheck says.
void install_client_check(SSL_CTX& context);
void install_server_check(SSL_CTX& context);

/// Why a handshake failed on this side: what the check found, or what OpenSSL has just reported.
Refusal refusal_of_failure(const PeerCheck& check);
/// For people: what was wrong with the other side.
std::string_view describe(Refusal reason) noexcept;

}  // namespace kadenza::distributed::rpc::tls
