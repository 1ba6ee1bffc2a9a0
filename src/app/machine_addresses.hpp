// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <vector>

#include <boost/asio/ip/address.hpp>

namespace kadenza::app {

/// The machine's addresses that others could reach, IPv4 before IPv6; loopback when there are no others.
std::vector<boost::asio::ip::address> machine_addresses(bool v6_too);

}  // namespace kadenza::app
