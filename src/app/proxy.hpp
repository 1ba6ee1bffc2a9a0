// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include "interface/proxy_options.hpp"

namespace kadenza::app {

/// Runs `kadenza proxy` until SIGTERM or SIGINT; a second one ends it at once. Returns the exit code.
int proxy(const interface::ProxyOptions& options);

}  // namespace kadenza::app
