// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/kademlia/endpoint.hpp"

#include <algorithm>
#include <charconv>

#include <arpa/inet.h>

namespace kadenza::distributed::kademlia {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

std::uint64_t mix(std::uint64_t value) noexcept {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}

}  // namespace

Endpoint Endpoint::v4(std::uint32_t host, std::uint16_t port) noexcept {
  Endpoint endpoint;
  std::copy(kMappedPrefix.begin(), kMappedPrefix.end(), endpoint.address.begin());
  for (int i = 0; i < 4; ++i) endpoint.address[12 + i] = static_cast<std::uint8_t>(host >> (24 - 8 * i));
  endpoint.port = port;
  return endpoint;
}

bool Endpoint::is_v4() const noexcept {
  return std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), address.begin());
}

bool Endpoint::usable() const noexcept {
  if (port == 0) return false;
  if (is_v4()) {
    const bool any = address[12] == 0 && address[13] == 0 && address[14] == 0 && address[15] == 0;
    return !any && address[12] < 224;
  }
  const bool empty = std::all_of(address.begin(), address.end(), [](std::uint8_t byte) { return byte == 0; });
  return !empty && address[0] != 0xff;
}

std::optional<Endpoint> Endpoint::parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = parse_port(text.substr(colon + 1));
  if (!port) return std::nullopt;
  std::string host(text.substr(0, colon));
  Endpoint endpoint;
  endpoint.port = *port;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    if (inet_pton(AF_INET6, host.c_str(), endpoint.address.data()) != 1) return std::nullopt;
    return endpoint;
  }
  std::copy(kMappedPrefix.begin(), kMappedPrefix.end(), endpoint.address.begin());
  if (inet_pton(AF_INET, host.c_str(), endpoint.address.data() + 12) != 1) return std::nullopt;
  return endpoint;
}

std::string Endpoint::text() const {
  char host[INET6_ADDRSTRLEN];
  if (is_v4()) {
    inet_ntop(AF_INET, address.data() + 12, host, sizeof host);
    return std::string(host) + ":" + std::to_string(port);
  }
  inet_ntop(AF_INET6, address.data(), host, sizeof host);
  return "[" + std::string(host) + "]:" + std::to_string(port);
}

std::uint64_t hash_endpoint(const Endpoint& endpoint, std::uint64_t salt) noexcept {
  std::uint64_t high;
  std::uint64_t low;
  std::memcpy(&high, endpoint.address.data(), 8);
  std::memcpy(&low, endpoint.address.data() + 8, 8);
  return mix(mix(mix(salt ^ high) ^ low) ^ endpoint.port);
}

}  // namespace kadenza::distributed::kademlia
