// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

namespace kadenza::distributed::rpc {

/// Why a connection between nodes did not come about, or was closed.
enum class Refusal : std::uint8_t {
  kPlainText,  ///< not TLS at all
  kOldTls,     ///< TLS 1.2 or older
  kNoCertificate,
  kUnknownAuthority,  ///< a certificate of another cluster, or of nobody we believe
  kExpired,           ///< its certificate's time is over, or has not begun
  kWrongId,           ///< the certificate's name is not the hash of its key, or not the node that was wanted
  kRemoved,           ///< not a member, or not any more
  kNotJoining,        ///< asks to join where nobody can
  kBadHandshake,      ///< anything else that is not TLS 1.3 with HTTP/2
  kHandshakeTimeout,
  kOverLimit,  ///< too many connections
  kProtocol,   ///< broke HTTP/2's rules, or a limit of ours
};
inline constexpr std::size_t kRefusals = 12;

/// "plain_text": for logs, /metrics and /api/v1/network.
std::string_view to_string(Refusal reason) noexcept;

/// How many of each since the start. Any thread.
class RefusalCounters {
 public:
  using Snapshot = std::array<std::uint64_t, kRefusals>;  ///< by Refusal

  void add(Refusal reason) noexcept { counts_[static_cast<std::size_t>(reason)].fetch_add(1); }
  Snapshot snapshot() const noexcept {
    Snapshot copy{};
    for (std::size_t i = 0; i < kRefusals; ++i) copy[i] = counts_[i].load();
    return copy;
  }

 private:
  std::array<std::atomic<std::uint64_t>, kRefusals> counts_{};
};

}  // namespace kadenza::distributed::rpc
