// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include "interface/console.hpp"
#include "middleware/client.hpp"

namespace kadenza::interface {

/// The network for people: who this node is, how large the network seems, its contacts and traffic.
void print_network(Console& console, const middleware::NetworkAnswer& answer);

/// The way of a lookup, a line for each node asked, and where it ended.
void print_lookup(Console& console, const middleware::LookupAnswer& answer);

}  // namespace kadenza::interface
