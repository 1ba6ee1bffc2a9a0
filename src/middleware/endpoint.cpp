// SPDX-License-Identifier: AGPL-3.0-or-later
#include "middleware/endpoint.hpp"

#include <algorithm>
#include <charconv>

#include <boost/asio/ip/address.hpp>
#include <boost/url.hpp>
#include <fmt/format.h>

namespace kadenza::middleware {
namespace {

constexpr std::uint16_t kHttpsPort = 443;

std::unexpected<core::Error> bad_url(std::string_view url, std::string_view why) {
  return core::fail(
      core::Errc::kInvalidArgument,
      fmt::format("“{}” is not a server's address: {}. Write it as http://HOST:PORT or https://HOST:PORT.",
                  url, why));
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

std::string Endpoint::authority() const {
  const bool ipv6 = host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", ipv6 ? "[" : "", host, ipv6 ? "]" : "", port);
}

std::string Endpoint::url() const {
  return (tls ? "https://" : "http://") + authority() + prefix;
}

bool is_loopback(std::string_view host) {
  boost::system::error_code not_an_address;
  const auto address = boost::asio::ip::make_address(host, not_an_address);
  return not_an_address ? host == "localhost" || host.ends_with(".localhost") : address.is_loopback();
}

core::Result<Endpoint> parse_endpoint(std::string_view text) {
  const auto parsed = boost::urls::parse_uri({text.data(), text.size()});
  if (parsed.has_error()) return bad_url(text, "it is not a URL");
  const boost::urls::url_view& url = *parsed;

  Endpoint endpoint;
  if (url.scheme_id() == boost::urls::scheme::https) {
    endpoint.tls = true;
  } else if (url.scheme_id() != boost::urls::scheme::http) {
    return bad_url(text, "only http and https are known");
  }
  if (url.has_userinfo())
    return bad_url(text, "a name or password does not belong in it (use kadenza login)");
  if (url.has_query() || url.has_fragment()) return bad_url(text, "it has a query or a fragment");
  endpoint.host = url.host_address();
  if (endpoint.host.empty()) return bad_url(text, "the host is missing");
  endpoint.port = endpoint.tls ? kHttpsPort : kDefaultPort;
  if (url.has_port()) {
    const std::string port(url.port());
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
    if (error != std::errc() || end != port.data() + port.size() || endpoint.port == 0)
      return bad_url(text, "the port must be 1 to 65535");
  }
  endpoint.prefix = std::string(url.encoded_path());
  while (endpoint.prefix.ends_with('/')) endpoint.prefix.pop_back();
  return endpoint;
}

core::Result<std::vector<Endpoint>> parse_servers(std::string_view list) {
  std::vector<Endpoint> servers;
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    const std::string_view item = trimmed(list.substr(begin, end - begin));
    begin = end + 1;
    if (item.empty()) continue;
    KADENZA_TRY(Endpoint endpoint, parse_endpoint(item));
    if (std::ranges::find(servers, endpoint) == servers.end()) servers.push_back(std::move(endpoint));
  }
  if (servers.empty()) return core::fail(core::Errc::kInvalidArgument, "No server's address is given.");
  if (servers.size() > kServersMax) {
    return core::fail(core::Errc::kInvalidArgument,
                      fmt::format("At most {} servers can be given.", kServersMax));
  }
  return servers;
}

}  // namespace kadenza::middleware
