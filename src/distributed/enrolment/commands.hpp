// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <functional>
#include <string>

#include "core/clock.hpp"
#include "core/ids.hpp"
#include "core/task.hpp"
#include "distributed/control/control_server.hpp"
#include "distributed/enrolment/enrolment.hpp"
#include "distributed/enrolment/membership.hpp"

namespace kadenza::distributed::enrolment {

/// Adds what `kadenza cluster` asks for: invite, members, issuer.add, remove, export. docs/control-socket.md.
/// `enrolment` and `membership` outlive the server.
void add_cluster_commands(control::ControlServer& control, Enrolment& enrolment, const Membership& membership,
                          core::NodeId self);

/// Calls "Service.Method" of a node with a message in protobuf's JSON form, as rpc::call_json() does.
using CallJson = std::function<core::Task<core::Result<std::string>>(kademlia::Contact to, std::string method,
                                                                     std::string request, core::Deadline)>;

/// Adds what `kadenza rpc` asks for. `membership` and `clock` outlive the server.
void add_rpc_command(control::ControlServer& control, const Membership& membership, FindContact find_contact,
                     CallJson call, const core::Clock& clock);

}  // namespace kadenza::distributed::enrolment
