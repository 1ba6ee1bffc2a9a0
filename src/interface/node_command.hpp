// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include "interface/command_line.hpp"
#include "interface/console.hpp"

namespace kadenza::interface {

/// Empties the node that runs here and waits until it is done: the node ends then. Interrupted, or when songs
/// are left for which the others have no room, the node goes on. With --cancel it stays after all.
ExitCode run_drain(const CommandLine& line, Console& console);

}  // namespace kadenza::interface
