// SPDX-License-Identifier: AGPL-3.0-or-later
#include "middleware/user_folders.hpp"

#include <cstdlib>

namespace kadenza::middleware {
namespace {

/// The XDG base directory specification: relative paths are to be ignored.
std::optional<std::filesystem::path> folder(const char* variable, const char* below_home) {
  if (const char* xdg = std::getenv(variable); xdg != nullptr && *xdg == '/') {
    return std::filesystem::path(xdg) / "kadenza";
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/') {
    return std::filesystem::path(home) / below_home / "kadenza";
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::filesystem::path> config_folder() {
  return folder("XDG_CONFIG_HOME", ".config");
}

std::optional<std::filesystem::path> state_folder() {
  return folder("XDG_STATE_HOME", ".local/state");
}

}  // namespace kadenza::middleware
