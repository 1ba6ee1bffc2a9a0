// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/rpc/udp_seal.hpp"

#include <algorithm>

#include <sodium.h>

#include "core/check.hpp"

namespace kadenza::distributed::rpc {
namespace {

static_assert(UdpSeal::kNonceBytes == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);
static_assert(UdpSeal::kTagBytes == crypto_aead_xchacha20poly1305_ietf_ABYTES);

constexpr std::array<std::uint8_t, 4> kMagic{'K', 'D', 'Z', 1};

}  // namespace

UdpSeal::UdpSeal(identity::KeyRing ring, SecureRandom& random) : random_(random) {
  KADENZA_CHECK(sodium_init() >= 0);
  set_ring(std::move(ring));
}

void UdpSeal::set_ring(identity::KeyRing ring) {
  KADENZA_CHECK(!ring.keys.empty());
  keys_.clear();
  for (const identity::ClusterKey& key : ring.keys) keys_.push_back({key.id(), key.secret});
}

std::size_t UdpSeal::seal(std::span<const std::uint8_t> plain,
                          std::span<std::uint8_t, kDatagramMax> datagram) {
  KADENZA_CHECK(plain.size() + kOverhead <= datagram.size());
  const Key& key = keys_.front();
  std::copy(kMagic.begin(), kMagic.end(), datagram.begin());
  for (int i = 0; i < 4; ++i) datagram[4 + i] = static_cast<std::uint8_t>(key.id >> (24 - 8 * i));
  const auto nonce = datagram.subspan(kHeaderBytes, kNonceBytes);
  random_.fill(nonce);
  unsigned long long written = 0;
  crypto_aead_xchacha20poly1305_ietf_encrypt(datagram.data() + kHeaderBytes + kNonceBytes, &written,
                                             plain.data(), plain.size(), datagram.data(), kHeaderBytes,
                                             nullptr, nonce.data(), key.secret.data());
  return kHeaderBytes + kNonceBytes + written;
}

std::expected<std::span<const std::uint8_t>, UdpSeal::Refusal> UdpSeal::open(
    std::span<const std::uint8_t> datagram, std::span<std::uint8_t, kDatagramMax> plain) const {
  if (datagram.size() < kOverhead || datagram.size() > kDatagramMax) return std::unexpected(Refusal::kSize);
  if (!std::equal(kMagic.begin(), kMagic.end(), datagram.begin())) return std::unexpected(Refusal::kHeader);
  std::uint32_t id = 0;
  for (int i = 0; i < 4; ++i) id = id << 8 | datagram[4 + i];
  const auto key = std::find_if(keys_.begin(), keys_.end(), [&](const Key& known) { return known.id == id; });
  if (key == keys_.end()) return std::unexpected(Refusal::kUnknownKey);
  const auto sealed = datagram.subspan(kHeaderBytes + kNonceBytes);
  unsigned long long written = 0;
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(plain.data(), &written, nullptr, sealed.data(),
                                                 sealed.size(), datagram.data(), kHeaderBytes,
                                                 datagram.data() + kHeaderBytes, key->secret.data()) != 0) {
    return std::unexpected(Refusal::kNotAuthentic);
  }
  return plain.first(written);
}

}  // namespace kadenza::distributed::rpc
