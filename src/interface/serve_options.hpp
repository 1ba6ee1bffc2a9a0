// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace kadenza::interface {

/// Where `kadenza serve` listens (port 0 = any free one), or where another node does.
struct ListenAddress {
  std::string host;
  std::uint16_t port = 0;

  bool is_loopback() const;

  friend bool operator==(const ListenAddress&, const ListenAddress&) = default;
};

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError };
enum class LogFormat : std::uint8_t { kText, kJson };

/// What the cluster that a node begins is asked to be like; what is absent has its default. Of a cluster that
/// is there already it can only be confirmed.
struct ClusterChoice {
  std::optional<std::uint32_t> replicas;
  std::optional<std::uint32_t> write_quorum;
  std::optional<std::uint32_t> candidates;
  std::optional<std::uint32_t> partitions;

  bool any() const { return replicas || write_quorum || candidates || partitions; }

  friend bool operator==(const ClusterChoice&, const ClusterChoice&) = default;
};

/// How a node finds the others. Names are not resolved yet.
struct NetworkOptions {
  ListenAddress listen;  ///< UDP and TCP
  std::optional<ListenAddress> advertise;
  std::vector<ListenAddress> bootstrap;
  std::optional<std::string> join;  ///< a join token
  std::string name;                 ///< of the node; empty: the machine's
  ClusterChoice cluster;

  friend bool operator==(const NetworkOptions&, const NetworkOptions&) = default;
};

/// Where listeners reach a node, if that is not where it listens: behind a reverse proxy, or by a name.
struct PublicUrl {
  std::string url;   ///< "https://music.example", without a slash at the end
  std::string host;  ///< of it, without brackets

  friend bool operator==(const PublicUrl&, const PublicUrl&) = default;
};

/// What `kadenza serve` was asked for, checked: every address parses, certificate and key come together, and
/// plain HTTP leaves the machine only when that was said explicitly. Sizes in bytes.
struct ServeOptions {
  std::filesystem::path data;
  std::vector<ListenAddress> http;
  std::optional<PublicUrl> public_url;
  std::optional<NetworkOptions> network;  ///< none: --standalone
  std::optional<std::uint64_t> capacity;  ///< none: as much as the disk holds
  std::uint64_t upload_limit = 0;
  std::chrono::seconds grace{};   ///< until a silent node's copies are made again
  std::uint64_t repair_rate = 0;  ///< bytes per second
  std::chrono::seconds scrub_every{};
  std::optional<std::filesystem::path> tls_certificate;  ///< PEM chain; set together with tls_key
  std::optional<std::filesystem::path> tls_key;
  bool https = false;                      ///< with a certificate of the cluster's web authority
  std::vector<std::string> https_names;    ///< hosts for which that certificate has to be good
  std::vector<std::string> https_domains;  ///< that a new web authority may certify besides private ones
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kText;
  bool insecure_http = false;  ///< plain HTTP may leave this machine
  unsigned threads = 0;        ///< of the HTTP server; never 0 once checked
};

/// "HOST:PORT"; IPv6 addresses in brackets.
core::Result<ListenAddress> parse_listen_address(std::string_view text);

/// "HOST:PORT" of another node, or of this one as others see it: a port that is not 0, a host that is not
/// "all addresses".
core::Result<ListenAddress> parse_peer_address(std::string_view text);

/// "https://HOST[:PORT]" or http; nothing behind it, because the player lives at the root.
core::Result<PublicUrl> parse_public_url(std::string_view text);

/// "500GB", "1.5 TiB", "1000": kB, MB… are powers of 1000, KiB, MiB… of 1024. More than 0 bytes.
core::Result<std::uint64_t> parse_size(std::string_view text);

/// "90s", "30m", "24h", "7d": more than 0.
core::Result<std::chrono::seconds> parse_duration(std::string_view text);

/// What each option alone cannot tell: TLS is complete, plain HTTP stays on this machine unless
/// insecure_http, and a node that shall reach others on other machines does not listen on loopback.
core::Result<void> check_serve_options(const ServeOptions& options);

/// $XDG_DATA_HOME/kadenza, by default ~/.local/share/kadenza; /var/lib/kadenza without a home.
std::filesystem::path default_data_folder();

}  // namespace kadenza::interface
