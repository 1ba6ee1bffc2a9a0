// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

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

/// The keys of a cluster, newest first: the first one seals, all of them open. While a key is replaced,
/// members hold the old and the new one until everybody has the new. At most four.
struct KeyRing {
  static constexpr std::size_t kKeysMax = 4;

  std::vector<ClusterKey> keys;

  const ClusterKey& current() const { return keys.front(); }
  const ClusterKey* find(std::uint32_t id) const;
  /// Makes `key` the current one and keeps the others for opening; the oldest goes when there are too many.
  void rotate(const ClusterKey& key);

  /// A line with the version, then one key a line in base32.
  std::string text() const;
  static core::Result<KeyRing> parse(std::string_view text);

  /// The ring in `file`, which only its owner may read. Blocking. kNotFound, and as for read_secret_file().
  static core::Result<KeyRing> load(const std::filesystem::path& file);
  /// Likewise, and makes a new key when there is no file: what the first node of a cluster does.
  static core::Result<KeyRing> load_or_create(const std::filesystem::path& file);
};

}  // namespace kadenza::distributed::identity
