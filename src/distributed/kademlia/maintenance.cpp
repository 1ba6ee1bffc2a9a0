// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/kademlia/maintenance.hpp"

#include <algorithm>

namespace kadenza::distributed::kademlia {
namespace {

/// Candidates are tried this far apart.
constexpr Duration kCandidateInterval = 50ms;
/// While our own link is suspected, contacts are checked this much less often.
constexpr int kSuspectedSlowdown = 8;

/// Three to five quarters of `interval`, so that nodes started together do not act together.
Duration jittered(Duration interval, core::Random& random) {
  const auto half = static_cast<std::uint64_t>(interval.count()) / 2;
  return interval - interval / 4 + Duration(static_cast<std::int64_t>(random.below(half + 1)));
}

}  // namespace

void Maintenance::bootstrap(std::span<const Contact> saved, std::span<const Endpoint> seeds, Instant now) {
  saved_.assign(saved.begin(),
                saved.begin() + static_cast<std::ptrdiff_t>(std::min(saved.size(), kSavedMax)));
  seeds_.assign(seeds.begin(),
                seeds.begin() + static_cast<std::ptrdiff_t>(std::min(seeds.size(), kSeedsMax)));
  next_seeds_ = now;
}

void Maintenance::on_heard(Instant now) {
  if (link_suspected()) next_refresh_ = now;
  heard_ = now;
  silent_failures_ = 0;
  if (next_refresh_ == Instant::max()) next_refresh_ = now + config_.refresh_interval;
  if (!joined_ && next_lookup_ == Instant::max()) next_lookup_ = now;
}

bool Maintenance::on_failure(Instant sent) {
  if (heard_ > sent) return true;
  ++silent_failures_;
  return false;
}

Instant Maintenance::next_wakeup() const {
  return std::min({next_seeds_, next_refresh_, next_lookup_, next_candidates_});
}

bool Maintenance::refresh_due(Instant now, core::Random& random) {
  if (now < next_refresh_) return false;
  const int slowdown = link_suspected() ? kSuspectedSlowdown : 1;
  next_refresh_ = now + jittered(config_.refresh_interval * slowdown, random);
  return true;
}

bool Maintenance::lookup_due(Instant now, core::Random& random) {
  if (now < next_lookup_) return false;
  next_lookup_ = now + jittered(config_.lookup_interval, random);
  return true;
}

bool Maintenance::seeds_due(Instant now, core::Random& random) {
  if (now < next_seeds_) return false;
  backoff_ = std::clamp(backoff_ * 2, config_.seed_backoff_min, config_.seed_backoff_max);
  next_seeds_ = seeds_.empty() && saved_.empty() ? Instant::max() : now + jittered(backoff_, random);
  ++attempts_;
  return true;
}

bool Maintenance::candidates_due(Instant now) {
  if (now < next_candidates_) return false;
  next_candidates_ = Instant::max();
  return true;
}

void Maintenance::want_candidates(Instant now) {
  next_candidates_ = std::min(next_candidates_, now + kCandidateInterval);
}

void Maintenance::want_seeds(Instant now) {
  if (next_seeds_ != Instant::max() || (seeds_.empty() && saved_.empty())) return;
  next_seeds_ = now + config_.seed_backoff_min;
}

std::span<const Contact> Maintenance::saved_turn() {
  if (saved_.empty()) return {};
  if (saved_at_ >= saved_.size()) saved_at_ = 0;
  const std::size_t count = std::min(kSavedPerTurn, saved_.size() - saved_at_);
  const std::span turn(saved_.data() + saved_at_, count);
  saved_at_ += count;
  return turn;
}

std::span<const Endpoint> Maintenance::seeds_turn() const {
  if (!saved_.empty() && attempts_ < 2) return {};
  return seeds_;
}

std::optional<std::size_t> Maintenance::next_region(std::size_t depth, core::Random& random) {
  if (!joined_) return std::nullopt;
  if (filling_) return --regions_left_;
  own_region_next_ = !own_region_next_;
  if (own_region_next_ || depth < 2) return std::nullopt;
  return random.below(depth - 1);
}

void Maintenance::lookup_finished(std::size_t depth, bool anyone, Instant now) {
  if (!joined_) {
    if (!anyone) {
      next_lookup_ = Instant::max();  // the next answer starts another
      return;
    }
    joined_ = true;
    somebody_is_there();
    filling_ = depth > 1;
    regions_left_ = filling_ ? depth - 1 : 0;
  } else if (regions_left_ == 0) {
    filling_ = false;
  }
  if (filling_) next_lookup_ = now + kCandidateInterval;
}

}  // namespace kadenza::distributed::kademlia
