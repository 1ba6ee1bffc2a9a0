// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>

#include "core/error.hpp"

namespace kadenza::distributed::cluster {

/// What all nodes of a cluster must agree on. Chosen when the cluster is created and kept in the cluster
/// document; `partition_bits` never changes afterwards.
struct Settings {
  std::uint32_t replicas = 3;         ///< R: copies of everything
  std::uint32_t write_quorum = 2;     ///< W: durable copies before an acknowledgement
  std::uint32_t candidates = 40;      ///< C: members nearest to a partition among which its holders are
  std::uint32_t partition_bits = 16;  ///< 2^bits partitions

  std::uint32_t partitions() const noexcept { return std::uint32_t{1} << partition_bits; }
  /// kInvalidArgument: `count` is no power of 2 up to 2^24.
  static core::Result<std::uint32_t> bits_for(std::uint32_t count);

  /// How many durable copies are needed in a cluster of so many members: min(W, M), and 1 at least.
  std::size_t write_quorum_of(std::size_t members) const noexcept;
  /// Of the holders, so many that one of them has the last acknowledged write.
  std::size_t read_quorum_of(std::size_t members) const noexcept;

  /// "3 replicas, write quorum 2, 40 candidates, 65536 partitions".
  std::string text() const;

  /// kInvalidArgument with what does not fit: 1 <= W <= R <= C <= 40, R <= 16, partition_bits <= 24.
  core::Result<void> check() const;

  friend bool operator==(const Settings&, const Settings&) = default;
};

}  // namespace kadenza::distributed::cluster
