// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <filesystem>
#include <string_view>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "core/error.hpp"

namespace kadenza::interface {

/// Asks the node that runs with the data folder `data`, through its control socket (docs/control-socket.md).
/// Blocking. kUnavailable: no node runs there; kForbidden: it is another account's; what the node answered.
core::Result<boost::json::value> ask_node(const std::filesystem::path& data, std::string_view method,
                                          boost::json::object params);

}  // namespace kadenza::interface
