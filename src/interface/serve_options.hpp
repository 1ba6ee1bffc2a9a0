// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace kadenza::interface {

/// Where `kadenza serve` listens. Port 0 = any free one.
struct ListenAddress {
  std::string host;
  std::uint16_t port = 0;

  bool is_loopback() const;

  friend bool operator==(const ListenAddress&, const ListenAddress&) = default;
};

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError };
enum class LogFormat : std::uint8_t { kText, kJson };

/// What `kadenza serve` was asked for, checked: every address parses, certificate and key come together, and
/// plain HTTP leaves the machine only when that was said explicitly. Sizes in bytes.
struct ServeOptions {
  std::filesystem::path data;
  std::vector<ListenAddress> http;
  bool standalone = false;
  std::optional<std::uint64_t> capacity;  ///< none: as much as the disk holds
  std::uint64_t upload_limit = 0;
  std::optional<std::filesystem::path> tls_certificate;  ///< PEM chain; set together with tls_key
  std::optional<std::filesystem::path> tls_key;
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kText;
  unsigned threads = 0;  ///< of the HTTP server; never 0 once checked
};

}  // namespace kadenza::interface
