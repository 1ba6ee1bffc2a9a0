// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/kademlia/second_chances.hpp"

#include <algorithm>

namespace kadenza::distributed::kademlia {

void SecondChances::note_silence(const Contact& contact, std::uint8_t number, Instant now) {
  if (number >= kChancesMax || waiting_.size() >= kMax) return;
  const auto waits = [&](const Waiting& other) { return other.chance.contact.id == contact.id; };
  if (std::ranges::any_of(waiting_, waits)) return;
  const Duration pause = number == 0 ? config_.second_chance : 4 * config_.second_chance;
  const Waiting added{{contact, static_cast<std::uint8_t>(number + 1)}, now + pause};
  waiting_.insert(std::ranges::upper_bound(waiting_, added.due, {}, &Waiting::due), added);
}

std::optional<SecondChances::Chance> SecondChances::take_due(Instant now) {
  if (next() > now) return std::nullopt;
  const Chance chance = waiting_.front().chance;
  waiting_.erase(waiting_.begin());
  return chance;
}

Instant SecondChances::next() const noexcept {
  return waiting_.empty() ? Instant::max() : waiting_.front().due;
}

}  // namespace kadenza::distributed::kademlia
