// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <functional>

#include "core/clock.hpp"
#include "core/timers.hpp"
#include "distributed/control/control_server.hpp"
#include "distributed/member.hpp"

namespace kadenza::distributed {

/// What the commands below stand on; the references outlive the server.
struct DrainParts {
  Member& member;
  const core::Clock& clock;
  core::Timers& timers;
  std::function<bool()> others_can_invite;  ///< another member is an issuer
};

/// The control socket's requests `drain`, `drain.progress` and `drain.cancel` (docs/control-socket.md): the
/// node begins to empty itself, says how far it is, or stays after all. Asking how far it is never begins
/// it: whoever follows a drain that another takes back must not start it anew.
void add_drain_commands(control::ControlServer& control, DrainParts parts);

}  // namespace kadenza::distributed
