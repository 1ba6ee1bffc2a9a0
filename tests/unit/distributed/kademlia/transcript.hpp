// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace kadenza::distributed::kademlia::testing {

/// Plays a script of tests/script (README.md there describes its language) against one node. Returns what
/// the node did otherwise than the script says, with line numbers; empty = nothing.
std::string play_transcript(std::string_view script);

}  // namespace kadenza::distributed::kademlia::testing
