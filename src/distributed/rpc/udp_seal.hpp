// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>

#include "distributed/identity/key_ring.hpp"
#include "distributed/kademlia/codec.hpp"
#include "distributed/rpc/secure_random.hpp"

namespace kadenza::distributed::rpc {

/// Seals and opens datagrams with XChaCha20-Poly1305 under the cluster's keys; docs/wire.md has the format.
/// The nonce is random: 192 bits are enough for that. One owner, one thread at a time.
class UdpSeal {
 public:
  static constexpr std::size_t kHeaderBytes = 8;  ///< "KDZ", version, key id (big-endian)
  static constexpr std::size_t kNonceBytes = 24;
  static constexpr std::size_t kTagBytes = 16;
  static constexpr std::size_t kOverhead = kHeaderBytes + kNonceBytes + kTagBytes;
  static constexpr std::size_t kDatagramMax = 1200;
  static_assert(kademlia::kMessageBytesMax + kOverhead <= kDatagramMax);

  /// Why a datagram was dropped.
  enum class Refusal : std::uint8_t { kSize, kHeader, kUnknownKey, kNotAuthentic };

  UdpSeal(identity::KeyRing ring, SecureRandom& random);

  void set_ring(identity::KeyRing ring);

  /// Returns the length of the datagram.
  std::size_t seal(std::span<const std::uint8_t> plain, std::span<std::uint8_t, kDatagramMax> datagram);

  /// Returns what was sealed, written to `plain`.
  std::expected<std::span<const std::uint8_t>, Refusal> open(
      std::span<const std::uint8_t> datagram, std::span<std::uint8_t, kDatagramMax> plain) const;

 private:
  struct Key {
    std::uint32_t id;
    std::array<std::uint8_t, 32> secret;
  };
  std::vector<Key> keys_;  ///< the first one seals
  SecureRandom& random_;
};

}  // namespace kadenza::distributed::rpc
