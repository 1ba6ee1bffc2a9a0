// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/kademlia/second_chances.hpp"

#include <algorithm>

namespace kadenza::distributed::kademlia {

void SecondChances::note_silence(const Contact& contact, std::uint8_t number, Instant now) {
  if (number >= kChancesMax || waiting_.size() >= kMax) return;
  const auto waits = [&](const Waiting& other) { return other.chance.contact.id == contact.id; };
  if (std::ranges::any_of(waiting_, waits)) return;
  const Duration pause = number == 0 ? config_.second_chance : 4 * config_.second_chance;
  waiting_.push_back({{contact, static_cast<std::uint8_t>(number + 1)}, now + pause});
}

std::optional<SecondChances::Chance> SecondChances::take_due(Instant now) {
  const auto first = std::ranges::min_element(waiting_, {}, &Waiting::due);
  if (first == waiting_.end() || first->due > now) return std::nullopt;
  const Chance chance = first->chance;
  waiting_.erase(first);
  return chance;
}

Instant SecondChances::next() const noexcept {
  const auto first = std::ranges::min_element(waiting_, {}, &Waiting::due);
  return first == waiting_.end() ? Instant::max() : first->due;
}

}  // namespace kadenza::distributed::kademlia
