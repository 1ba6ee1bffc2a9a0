// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/kademlia/limits.hpp"

#include <algorithm>

namespace kadenza::distributed::kademlia {

bool TokenBucket::take(std::uint32_t rate, Instant now) noexcept {
  if (refilled_ == Instant::min()) {
    tokens_ = static_cast<float>(rate);
  } else {
    const std::chrono::duration<float> passed = now - refilled_;
    tokens_ = std::min(static_cast<float>(rate), tokens_ + passed.count() * static_cast<float>(rate));
  }
  refilled_ = now;
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

bool RateLimiter::allow(const Endpoint& source, Instant now) {
  constexpr std::size_t kWays = 4;
  if (sources_.empty()) sources_.resize(config_.rate_sources);
  const std::uint64_t hash = hash_endpoint(source, salt_);
  Source* const set = &sources_[(hash & (sources_.size() - 1)) / kWays * kWays];
  Source* found = std::find_if(set, set + kWays, [&](const Source& known) { return known.hash == hash; });
  if (found == set + kWays) {
    found = std::min_element(set, set + kWays, [](const Source& a, const Source& b) {
      return a.tokens.refilled() < b.tokens.refilled();
    });
    *found = Source{hash, {}};
  }
  return found->tokens.take(config_.rate_per_source, now) && total_.take(config_.rate_total, now);
}

void RecentlyDead::add(const Endpoint& endpoint, Instant now) {
  if (places_.empty()) places_.resize(config_.recently_dead_max);
  const std::uint64_t hash = hash_endpoint(endpoint, salt_);
  places_[hash % places_.size()] = {hash, now + config_.dead_memory};
}

void RecentlyDead::forget(const Endpoint& endpoint) noexcept {
  if (places_.empty()) return;
  const std::uint64_t hash = hash_endpoint(endpoint, salt_);
  Place& place = places_[hash % places_.size()];
  if (place.hash == hash) place = {};
}

bool RecentlyDead::contains(const Endpoint& endpoint, Instant now) const noexcept {
  if (places_.empty()) return false;
  const std::uint64_t hash = hash_endpoint(endpoint, salt_);
  const Place& place = places_[hash % places_.size()];
  return place.hash == hash && now < place.until;
}

}  // namespace kadenza::distributed::kademlia
