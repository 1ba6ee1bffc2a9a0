// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/replication/claims.hpp"

namespace kadenza::distributed::replication {

core::Result<Claims::Outcome> Claims::claim(const core::SongId& song, const core::Digest& audio) {
  const std::lock_guard lock(mutex_);
  const auto now = clock_.now();
  const auto found = claims_.find(song);
  if (found != claims_.end() && found->second.until > now) {
    if (found->second.audio != audio) return found->second.audio;
    found->second.until = now + kLease;
    return found->second.first_stored;
  }
  if (claims_.size() >= kClaimsMax) drop_ended();
  if (claims_.size() >= kClaimsMax) {
    return core::fail(core::Errc::kTooManyRequests, "too many uploads are under way; try again soon");
  }
  const auto first_stored = clock_.wall_now();
  claims_[song] = {audio, first_stored, now + kLease};
  return first_stored;
}

void Claims::release(const core::SongId& song, const core::Digest& audio) {
  const std::lock_guard lock(mutex_);
  const auto found = claims_.find(song);
  if (found != claims_.end() && found->second.audio == audio) claims_.erase(found);
}

void Claims::drop_ended() {
  std::erase_if(claims_, [now = clock_.now()](const auto& entry) { return entry.second.until <= now; });
}

}  // namespace kadenza::distributed::replication
