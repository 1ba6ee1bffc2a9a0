// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace CLI {
class App;
}

namespace kadenza::interface {

/// A completion script for "bash", "zsh" or "fish", made from the command line's own tree.
std::string completion_script(const CLI::App& app, std::string_view shell);

}  // namespace kadenza::interface
