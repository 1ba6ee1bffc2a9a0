// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace kadenza::interface {

/// What was wrong with the command line, in the person's language. `message` is what CLI11 says of it, which
/// has no translations of its own; what is not known here is passed on as it is.
std::string usage_message(std::string_view message);

}  // namespace kadenza::interface
