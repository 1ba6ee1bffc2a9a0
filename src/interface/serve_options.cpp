// SPDX-License-Identifier: AGPL-3.0-or-later
#include "interface/serve_options.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <string_view>
#include <utility>

#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>

#include "interface/i18n.hpp"
#include "middleware/endpoint.hpp"

namespace kadenza::interface {

bool ListenAddress::is_loopback() const {
  if (host == "localhost") return true;
  boost::system::error_code not_an_address;
  const auto address = boost::asio::ip::make_address(host, not_an_address);
  return !not_an_address && address.is_loopback();
}

namespace {

core::Result<ListenAddress> parse_address(std::string_view text) {
  const auto bad = [&](std::string_view why) {
    return core::fail(core::Errc::kInvalidArgument,
                      fmt::format("“{}” is not an address: {}. Write it as HOST:PORT, for example "
                                  "127.0.0.1:4747 or [::1]:4747.",
                                  text, why));
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad("the port is missing");
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return bad("an IPv6 address needs brackets");
  }
  if (host.empty()) return bad("the host is missing (0.0.0.0 means all addresses)");
  ListenAddress address{std::string(host), 0};
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (error != std::errc() || end != port.data() + port.size()) return bad("the port must be 0 to 65535");
  return address;
}

core::Result<void> check_network(const NetworkOptions& network) {
  const auto elsewhere = std::ranges::find_if_not(network.bootstrap, &ListenAddress::is_loopback);
  if (network.listen.is_loopback() && elsewhere != network.bootstrap.end()) {
    return core::fail(
        core::Errc::kInvalidArgument,
        fmt::format("{} is on another machine, but this node speaks to its own machine only. Give an "
                    "address that others reach, for example --rpc 0.0.0.0:4748.",
                    elsewhere->host));
  }
  return {};
}

}  // namespace

core::Result<ListenAddress> parse_listen_address(std::string_view text) {
  return parse_address(text);
}

core::Result<ListenAddress> parse_peer_address(std::string_view text) {
  KADENZA_TRY(ListenAddress address, parse_address(text));
  boost::system::error_code not_an_address;
  const auto ip = boost::asio::ip::make_address(address.host, not_an_address);
  if (address.port == 0 || (!not_an_address && (ip.is_unspecified() || ip.is_multicast()))) {
    return core::fail(
        core::Errc::kInvalidArgument,
        fmt::format("“{}” is not where a node can be reached: it needs the address of one machine and "
                    "a port that is not 0, for example attic.example:4748.",
                    text));
  }
  return address;
}

core::Result<PublicUrl> parse_public_url(std::string_view text) {
  const auto bad = [&](std::string_view why) {
    return core::fail(
        core::Errc::kInvalidArgument,
        trf("“{}” is not where listeners reach a node: {}. Write it like https://music.example or "
            "http://192.168.1.7:4747.",
            text, why));
  };
  std::string url(text);
  while (url.ends_with('/')) url.pop_back();
  const auto parsed = middleware::parse_endpoint(url);
  if (!parsed) return bad(tr("it is not such an address"));
  if (!parsed->prefix.empty()) return bad(tr("the player needs a host of its own, without a path behind it"));
  boost::system::error_code is_a_name;
  const auto address = boost::asio::ip::make_address(parsed->host, is_a_name);
  if (!is_a_name && (address.is_unspecified() || address.is_multicast())) {
    return bad(tr("it does not name one machine"));
  }
  return PublicUrl{std::move(url), parsed->host};
}

core::Result<std::uint64_t> parse_size(std::string_view text) {
  constexpr std::pair<std::string_view, std::uint64_t> kUnits[] = {{"", 1},
                                                                   {"B", 1},
                                                                   {"kB", 1'000},
                                                                   {"KB", 1'000},
                                                                   {"MB", 1'000'000},
                                                                   {"GB", 1'000'000'000},
                                                                   {"TB", 1'000'000'000'000},
                                                                   {"KiB", 1ULL << 10U},
                                                                   {"MiB", 1ULL << 20U},
                                                                   {"GiB", 1ULL << 30U},
                                                                   {"TiB", 1ULL << 40U}};
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (unit.starts_with(' ')) unit.remove_prefix(1);
  const auto* known = std::ranges::find(kUnits, unit, &std::pair<std::string_view, std::uint64_t>::first);
  constexpr double kLargest = 1e18;
  if (error != std::errc() || known == std::end(kUnits) || !(number > 0) ||
      number * static_cast<double>(known->second) > kLargest) {
    return core::fail(core::Errc::kInvalidArgument,
                      fmt::format("“{}” is not a size. Write it like 500GB, 1.5TB or 200MiB.", text));
  }
  return static_cast<std::uint64_t>(std::llround(number * static_cast<double>(known->second)));
}

core::Result<std::chrono::seconds> parse_duration(std::string_view text) {
  constexpr std::pair<std::string_view, std::int64_t> kUnits[] = {
      {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  for (const auto& [name, seconds] : kUnits) {
    if (error == std::errc() && number > 0 && unit == name) return std::chrono::seconds(number * seconds);
  }
  return core::fail(core::Errc::kInvalidArgument,
                    trf("“{}” is not a time. Write it like 90s, 30m, 24h or 7d.", text));
}

core::Result<void> check_serve_options(const ServeOptions& options) {
  const bool tls = (options.tls_certificate && options.tls_key) || options.https;
  if (options.tls_certificate.has_value() != options.tls_key.has_value()) {
    return core::fail(core::Errc::kInvalidArgument, "--tls-cert and --tls-key must be given together.");
  }
  if (options.https && options.tls_certificate) {
    return core::fail(
        core::Errc::kInvalidArgument,
        tr("--https gets a certificate from the cluster, --tls-cert names one of your own. Give one of "
           "the two."));
  }
  if (!options.https && !options.https_names.empty()) {
    return core::fail(
        core::Errc::kInvalidArgument,
        tr("--https-name says what a certificate of the cluster is good for; it needs --https."));
  }
  const auto open = std::ranges::find_if_not(options.http, &ListenAddress::is_loopback);
  if (open != options.http.end() && !tls && !options.insecure_http) {
    return core::fail(
        core::Errc::kInvalidArgument,
        fmt::format(
            "{} can be reached from other machines, and without TLS passwords and music would cross the "
            "network readable by everyone. Give --https, --tls-cert and --tls-key, or --insecure-http if "
            "something "
            "else encrypts (a reverse proxy, a private network).",
            open->host));
  }
  if (options.network) return check_network(*options.network);
  return {};
}

std::filesystem::path default_data_folder() {
  if (const char* xdg = std::getenv("XDG_DATA_HOME"); xdg != nullptr && *xdg == '/') {
    return std::filesystem::path(xdg) / "kadenza";
  }
  const char* home = std::getenv("HOME");
  return std::filesystem::path(home != nullptr ? home : "/var/lib") /
         (home != nullptr ? ".local/share/kadenza" : "kadenza");
}

}  // namespace kadenza::interface
