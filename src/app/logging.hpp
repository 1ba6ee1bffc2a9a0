// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include "interface/serve_options.hpp"

namespace kadenza::app {

/// Makes spdlog write to standard error as text for people or one JSON object a line. Call once, before any
/// thread starts.
void set_up_logging(interface::LogLevel level, interface::LogFormat format);

}  // namespace kadenza::app
