// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <string>

#include "core/network.hpp"

namespace kadenza::views {

// The JSON shapes of the network (docs/openapi.yaml). Times in milliseconds. Pure.

std::string to_json(const core::NetworkSnapshot& snapshot);
std::string to_json(const core::LookupTrace& trace);
std::string to_json(const std::vector<core::SongHolder>& holders);

}  // namespace kadenza::views
