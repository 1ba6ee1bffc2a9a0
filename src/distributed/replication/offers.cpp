// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/replication/offers.hpp"

#include <utility>

namespace kadenza::distributed::replication {

void Readers::note(const core::NodeId& node, core::Instant now) {
  const std::lock_guard lock(mutex_);
  last_[node] = now;
}

std::optional<core::Instant> Readers::last(const core::NodeId& node) const {
  const std::lock_guard lock(mutex_);
  const auto found = last_.find(node);
  return found == last_.end() ? std::nullopt : std::optional(found->second);
}

Offers::Standing::Standing(Offers& offers, std::shared_ptr<const Offer> offer)
    : offers_(offers), offer_(std::move(offer)) {
  const std::lock_guard lock(offers_.mutex_);
  offers_.offers_.emplace(offer_->record.song.audio, offer_);
}

Offers::Standing::~Standing() {
  const std::lock_guard lock(offers_.mutex_);
  std::erase_if(offers_.offers_, [this](const auto& entry) { return entry.second == offer_; });
}

std::shared_ptr<const Offer> Offers::find(const core::Digest& audio) const {
  const std::lock_guard lock(mutex_);
  const auto found = offers_.find(audio);
  return found == offers_.end() ? nullptr : found->second;
}

}  // namespace kadenza::distributed::replication
