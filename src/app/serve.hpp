// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include "interface/serve_options.hpp"

namespace kadenza::app {

/// Runs a node until SIGINT or SIGTERM. Returns the process's exit code.
int serve(const interface::ServeOptions& options);

}  // namespace kadenza::app
