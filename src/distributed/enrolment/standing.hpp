// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/task.hpp"
#include "distributed/enrolment/first_start.hpp"
#include "distributed/identity/authority.hpp"
#include "distributed/identity/cluster_keys.hpp"
#include "distributed/identity/node_identity.hpp"
#include "distributed/identity/node_key.hpp"

namespace kadenza::distributed::enrolment {

/// What a node is when it starts: all of its files of identity, read.
struct Standing {
  enum class How : std::uint8_t { kMember, kBegan, kJoined };

  std::shared_ptr<const identity::NodeKey> key;
  identity::NodeIdentity identity;
  identity::ClusterKeys keys;
  std::optional<identity::Authority> authority;
  How how = How::kMember;  ///< whether it was a member before this start
};

struct StartOptions {
  std::filesystem::path folder;
  std::optional<std::string> join;  ///< a token
  std::string name;                 ///< for a new member; empty: the machine's
  bool may_begin = true;            ///< a cluster of its own; false when others to ask were named
};

/// Reads the node's identity. A node that has none joins with the token, or begins a cluster of its own. A
/// token that a member is given is not used, unless the member's certificate has expired. Errors say what to
/// do; nothing is half done, or the next start goes on.
core::Task<core::Result<Standing>> take_standing(StartOptions options, JoinCall call,
                                                 SaveDocument save_document, const core::Clock& clock);

/// The machine's name, up to its first dot.
std::string machine_name();

}  // namespace kadenza::distributed::enrolment
