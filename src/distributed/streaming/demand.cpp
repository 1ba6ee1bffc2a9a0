// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/streaming/demand.hpp"

#include <algorithm>
#include <cmath>

namespace kadenza::distributed::streaming {
namespace {

constexpr double kForgotten = 0.1;  // of a play

double minutes(core::Duration duration) {
  return std::chrono::duration<double, std::ratio<60>>(duration).count();
}

}  // namespace

void Demand::served(const core::SongId& id, std::uint64_t bytes, std::uint64_t size) {
  if (size == 0) return;
  const auto now = clock_.now();
  const std::lock_guard lock(mutex_);
  if (songs_.size() >= kSongsMax && !songs_.contains(id)) forget_the_least(now);
  auto& reads = songs_[id];
  fade(reads, now);
  reads.plays += static_cast<double>(bytes) / static_cast<double>(size);
}

std::vector<Demand::Popular> Demand::popular() {
  const auto now = clock_.now();
  std::vector<Popular> result;
  const std::lock_guard lock(mutex_);
  for (auto entry = songs_.begin(); entry != songs_.end();) {
    auto& [id, reads] = *entry;
    fade(reads, now);
    if (reads.plays < kForgotten) {
      entry = songs_.erase(entry);
      continue;
    }
    const auto copies = wanted(reads);
    if (copies > settings_.replicas || reads.copies > 0) result.push_back({id, copies});
    ++entry;
  }
  return result;
}

void Demand::set_copies(const core::SongId& id, std::size_t copies) {
  const std::lock_guard lock(mutex_);
  if (const auto found = songs_.find(id); found != songs_.end()) {
    found->second.copies = copies > settings_.replicas ? copies : 0;
  }
}

std::uint32_t Demand::copies(const core::SongId& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = songs_.find(id);
  return found == songs_.end() ? 0 : static_cast<std::uint32_t>(found->second.copies);
}

void Demand::fade(Reads& reads, core::Instant now) const {
  reads.plays *= std::exp(-minutes(now - reads.at) / minutes(kMemory));
  reads.at = now;
}

std::size_t Demand::wanted(const Reads& reads) const {
  const auto sharing = std::max<std::size_t>(reads.copies, settings_.replicas);
  const double all_per_minute = reads.plays / minutes(kMemory) * static_cast<double>(sharing);
  const auto copies = static_cast<std::size_t>(std::ceil(all_per_minute / kPlaysPerMinute));
  // At most twice as many at once: making them is work for those that have the song.
  return std::clamp<std::size_t>(std::min(copies, 2 * sharing), settings_.replicas,
                                 std::max(settings_.candidates, settings_.replicas));
}

void Demand::forget_the_least(core::Instant now) {
  for (auto& [id, reads] : songs_) fade(reads, now);
  std::vector<double> plays;
  plays.reserve(songs_.size());
  for (const auto& [id, reads] : songs_) plays.push_back(reads.plays);
  const auto middle = plays.begin() + static_cast<std::ptrdiff_t>(plays.size() / 2);
  std::nth_element(plays.begin(), middle, plays.end());
  std::erase_if(songs_, [least = *middle](const auto& entry) { return entry.second.plays <= least; });
}

}  // namespace kadenza::distributed::streaming
