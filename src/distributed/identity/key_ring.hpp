// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace kadenza::distributed::identity {

/// The secret that all members of a cluster share and that seals their datagrams. It keeps strangers out; it
/// does not tell members apart.
struct ClusterKey {
  std::array<std::uint8_t, 32> secret{};

  static ClusterKey generate();

  /// Names the key on the wire without telling anything of it: the first bytes of a keyed hash.
  std::uint32_t id() const;

  friend bool operator==(const ClusterKey&, const ClusterKey&) = default;
};

/// Keys that serve one purpose: the first one seals, all of them open. At most four.
struct KeyRing {
  static constexpr std::size_t kKeysMax = 4;

  std::vector<ClusterKey> keys;

  const ClusterKey& current() const { return keys.front(); }
  const ClusterKey* find(std::uint32_t id) const;
  /// Makes `key` the current one and keeps the others for opening; the oldest goes when there are too many.
  void rotate(const ClusterKey& key);
  /// Keeps `key` for opening only, before the others that do; likewise.
  void announce(const ClusterKey& key);

  friend bool operator==(const KeyRing&, const KeyRing&) = default;
};

}  // namespace kadenza::distributed::identity
