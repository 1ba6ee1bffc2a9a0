// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <string>

#include "core/network.hpp"

namespace kadenza::views {

/// The network's measurements in the text format of Prometheus. They are counted where they happen, so the
/// registry does not count them again. Pure.
std::string metrics_text(const core::NetworkSnapshot& snapshot);

}  // namespace kadenza::views
