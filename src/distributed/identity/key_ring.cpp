// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/identity/key_ring.hpp"

#include <algorithm>
#include <string_view>

#include <sodium.h>

#include "core/check.hpp"

namespace kadenza::distributed::identity {

ClusterKey ClusterKey::generate() {
  KADENZA_CHECK(sodium_init() >= 0);
  ClusterKey key;
  randombytes_buf(key.secret.data(), key.secret.size());
  return key;
}

std::uint32_t ClusterKey::id() const {
  static constexpr std::string_view kPurpose = "kadenza cluster key id";
  std::array<std::uint8_t, 16> hash{};
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(kPurpose.data()),
                     kPurpose.size(), secret.data(), secret.size());
  return std::uint32_t{hash[0]} << 24 | std::uint32_t{hash[1]} << 16 | std::uint32_t{hash[2]} << 8 | hash[3];
}

const ClusterKey* KeyRing::find(std::uint32_t id) const {
  const auto found =
      std::find_if(keys.begin(), keys.end(), [&](const ClusterKey& key) { return key.id() == id; });
  return found == keys.end() ? nullptr : &*found;
}

void KeyRing::rotate(const ClusterKey& key) {
  std::erase(keys, key);
  keys.insert(keys.begin(), key);
  if (keys.size() > kKeysMax) keys.resize(kKeysMax);
}

void KeyRing::announce(const ClusterKey& key) {
  KADENZA_CHECK(!keys.empty());
  keys.insert(keys.begin() + 1, key);
  if (keys.size() > kKeysMax) keys.resize(kKeysMax);
}

}  // namespace kadenza::distributed::identity
