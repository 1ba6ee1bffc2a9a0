// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <filesystem>
#include <optional>

namespace kadenza::middleware {

/// $XDG_CONFIG_HOME/kadenza, by default ~/.config/kadenza. None when the environment names no home.
std::optional<std::filesystem::path> config_folder();

/// $XDG_STATE_HOME/kadenza, by default ~/.local/state/kadenza: what may be lost without harm.
std::optional<std::filesystem::path> state_folder();

}  // namespace kadenza::middleware
