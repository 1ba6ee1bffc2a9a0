// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/streaming/known_copies.hpp"

namespace kadenza::distributed::streaming {

void KnownCopies::note(const core::SongId& id, std::size_t copies) {
  const auto now = clock_.now();
  const std::lock_guard lock(mutex_);
  if (songs_.size() >= kSongsMax) {
    std::erase_if(songs_, [now](const auto& entry) { return entry.second.until <= now; });
  }
  if (songs_.size() >= kSongsMax) songs_.clear();  // the next answers say it again
  songs_[id] = {copies, now + kFresh};
}

std::size_t KnownCopies::of(const core::SongId& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = songs_.find(id);
  return found == songs_.end() || found->second.until <= clock_.now() ? 0 : found->second.copies;
}

}  // namespace kadenza::distributed::streaming
