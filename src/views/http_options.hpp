// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace kadenza::views {

/// Where the server listens. `host`: an IPv4 or IPv6 address, or a name of this machine; port 0 = any free.
struct ListenAddress {
  std::string host;
  std::uint16_t port = 0;
  bool tls = false;
};

/// PEM files: the certificate with its chain, and its private key.
struct TlsFiles {
  std::filesystem::path certificate;
  std::filesystem::path key;
};

/// What a stranger may send or hold open.
struct HttpLimits {
  std::size_t header_bytes = 16 * 1024;  ///< request line and header fields together
  std::size_t target_bytes = 8 * 1024;
  std::size_t json_bytes = 64 * 1024;
  std::uint64_t upload_bytes = 2ULL * 1024 * 1024 * 1024;
  std::size_t connections = 8192;
  std::size_t connections_per_address = 4096;
  std::size_t uploads = 64;  ///< under way at once; each holds a buffer of 256 KiB
};

/// How long nothing may move; a slow peer that keeps moving is never cut off.
struct HttpTimeouts {
  std::chrono::milliseconds header{10'000};  ///< for a whole request head, from its first byte
  std::chrono::milliseconds body{30'000};    ///< without a byte of a body
  std::chrono::milliseconds write{60'000};   ///< without the peer taking a byte
  std::chrono::milliseconds idle{60'000};    ///< between requests
  std::chrono::milliseconds linger{5'000};   ///< without a byte, after an early answer to a body
  std::chrono::milliseconds call{30'000};    ///< for the library's answer (uploads: for each piece)
  std::chrono::milliseconds store{120'000};  ///< for checking and storing an upload whose bytes are all there
  std::chrono::milliseconds shutdown{10'000};  ///< for requests under way when the server stops
};

struct HttpOptions {
  std::vector<ListenAddress> listen;
  std::optional<TlsFiles> tls;  ///< required when a listener has `tls`
  HttpLimits limits;
  HttpTimeouts timeouts;
  /// Whose pages may use the API (CORS): "https://music.example:4747"; "*": anybody's. They gain nothing by
  /// it without a token of their own, and a player whose node has died goes on with another.
  std::vector<std::string> allowed_origins{"*"};
  bool ready = true;                ///< whether /readyz says so from the start
  std::string version = "unknown";  ///< for /metrics and the Server field
};

}  // namespace kadenza::views
