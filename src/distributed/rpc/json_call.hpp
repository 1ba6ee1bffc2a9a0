// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/task.hpp"
#include "distributed/kademlia/contact.hpp"
#include "distributed/peers/peers.hpp"

namespace kadenza::distributed::rpc {

/// The methods of kadenza.v1 that this program knows: "Node.Describe", sorted.
std::vector<std::string> list_methods();

/// Calls a method of another node with a request in protobuf's canonical JSON form, and gives its reply in
/// the same. `method`: "Node.Describe" or "/kadenza.v1.Node/Describe", in any case; an empty `json` means {}.
/// kInvalidArgument: no such method (names near ones), or the JSON is not its request's (says where). Else as
/// Peers::call(). `peers` outlives the call.
core::Task<core::Result<std::string>> call_json(peers::Peers& peers, kademlia::Contact to, std::string method,
                                                std::string json, core::Deadline deadline);

}  // namespace kadenza::distributed::rpc
