// SPDX-License-Identifier: AGPL-3.0-or-later
#include "app/machine_addresses.hpp"

#include <algorithm>

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

namespace kadenza::app {

namespace asio = boost::asio;

std::vector<asio::ip::address> machine_addresses(bool v6_too) {
  std::vector<asio::ip::address> found;
  ifaddrs* interfaces = nullptr;
  if (::getifaddrs(&interfaces) != 0) return {asio::ip::address_v4::loopback()};
  for (const ifaddrs* one = interfaces; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || (one->ifa_flags & IFF_UP) == 0 || (one->ifa_flags & IFF_LOOPBACK) != 0)
      continue;
    if (one->ifa_addr->sa_family == AF_INET) {
      const auto* v4 = reinterpret_cast<const sockaddr_in*>(one->ifa_addr);
      found.emplace_back(asio::ip::address_v4(ntohl(v4->sin_addr.s_addr)));
    } else if (v6_too && one->ifa_addr->sa_family == AF_INET6) {
      const auto* v6 = reinterpret_cast<const sockaddr_in6*>(one->ifa_addr);
      asio::ip::address_v6::bytes_type bytes;
      std::copy_n(v6->sin6_addr.s6_addr, bytes.size(), bytes.begin());
      const asio::ip::address_v6 address(bytes);
      if (!address.is_link_local()) found.emplace_back(address);
    }
  }
  ::freeifaddrs(interfaces);
  std::ranges::stable_partition(found, [](const asio::ip::address& address) { return address.is_v4(); });
  if (found.empty()) found.emplace_back(asio::ip::address_v4::loopback());
  return found;
}

}  // namespace kadenza::app
