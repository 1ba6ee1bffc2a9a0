// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

#include "core/error.hpp"
#include "interface/console.hpp"

namespace kadenza::interface {

/// Asks for a secret at the terminal, without showing it. kInvalidArgument with `otherwise` when there is no
/// terminal.
core::Result<std::string> ask_secret(Console& console, std::string_view prompt, std::string_view otherwise);

/// The first line of standard input.
std::string secret_from_stdin();

}  // namespace kadenza::interface
