// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <optional>
#include <string>

#include "sim/library_world.hpp"

namespace kadenza::sim {

/// What is still missing until the cluster is as it shall be, when nothing goes wrong any more: all
/// catalogues are equal, every record held is the one that won, every song has its R intact copies on the
/// holders that placement names, and nobody else has one. None: it is so.
std::optional<std::string> what_is_missing(LibraryWorld& world);

}  // namespace kadenza::sim
