// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "distributed/kademlia/config.hpp"
#include "distributed/kademlia/contact.hpp"

namespace kadenza::distributed::kademlia {

/// Strangers that were silent, to be asked again a little later. Nothing else would bring them back soon:
/// they are in no bucket, and lookups skip them while they count as dead (docs/scaling.md has the recall
/// without this). A fixed number. Owned by KademliaNode.
class SecondChances {
 public:
  static constexpr std::size_t kMax = 64;
  static constexpr std::uint8_t kChancesMax = 2;

  struct Chance {
    Contact contact;
    std::uint8_t number = 0;  ///< 1 = the first
  };

  explicit SecondChances(const Config& config) : config_(config) {}

  /// `contact` was silent at its chance `number`; 0 = when it was asked for another reason.
  void note_silence(const Contact& contact, std::uint8_t number, Instant now);
  std::optional<Chance> take_due(Instant now);
  Instant next() const noexcept;  ///< Instant::max() = none waits

 private:
  struct Waiting {
    Chance chance;
    Instant due;
  };
  const Config& config_;
  std::vector<Waiting> waiting_;  ///< the earliest first
};

}  // namespace kadenza::distributed::kademlia
