// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/task.hpp"
#include "distributed/enrolment/enrolment.hpp"
#include "distributed/identity/join_token.hpp"
#include "distributed/identity/node_identity.hpp"
#include "distributed/identity/node_key.hpp"

namespace kadenza::distributed::enrolment {

/// Where the cluster document of a node that is not a member yet goes: written, durably, before anything says
/// that the node is one. Blocking.
using SaveDocument = std::function<core::Result<void>(std::string_view)>;

/// Calls Join of the node at an address ("HOST:PORT") if it proves to be certified by the authority with this
/// fingerprint. kForbidden: it is somebody else; kUnavailable, kDeadlineExceeded; what the issuer answered.
using JoinCall = std::function<core::Task<core::Result<std::string>>(
    std::string address, core::Digest authority, std::string request, core::Deadline)>;

/// Begins a cluster of which this node is the first member and issuer. Blocking. A crash on the way leaves a
/// node that is not a member; calling again goes on.
core::Result<identity::NodeIdentity> create_cluster(const IdentityFiles& files, const identity::NodeKey& key,
                                                    std::string name, core::WallTime now);

/// Enrols this node with a token, at the first of its addresses that answers. Likewise; the issuer takes the
/// token again for the same key until it expires. The errors say what is wrong with which address or token.
core::Task<core::Result<identity::NodeIdentity>> enrol(
    const IdentityFiles& files, const identity::NodeKey& key, const identity::JoinToken& token,
    std::string name, const JoinCall& call, const SaveDocument& save_document, const core::Clock& clock);

/// Makes the node with these files an issuer again from an export: a new member when it is none, or a member
/// of that cluster. Blocking. kConflict: it belongs to another cluster or is an issuer already; as
/// open_backup().
core::Result<identity::NodeIdentity> recover_cluster(const IdentityFiles& files, std::string_view exported,
                                                     std::string_view passphrase, std::string name,
                                                     const SaveDocument& save_document, core::WallTime now);

}  // namespace kadenza::distributed::enrolment
