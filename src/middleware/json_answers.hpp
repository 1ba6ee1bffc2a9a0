// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <boost/json/object.hpp>

#include "middleware/client.hpp"

namespace kadenza::middleware {

/// Read the REST interface's objects (docs/openapi.yaml). What is absent or of another type counts as not
/// given, so that a newer server's answers are understood; kInvalidArgument only when an id is missing.
core::Result<SongInfo> read_song(const boost::json::object& json);
core::Result<SearchAnswer> read_search(boost::json::object json);
NetworkAnswer read_network(boost::json::object json);
/// Where the nodes of a network's answer can be asked.
std::vector<std::string> read_node_urls(const boost::json::object& network);
LookupAnswer read_lookup(boost::json::object json);
core::Result<UploadAnswer> read_upload(const boost::json::object& json);
core::Result<LogIn> read_log_in(const boost::json::object& json);

}  // namespace kadenza::middleware
