// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/accounts/sessions.hpp"

#include <algorithm>
#include <mutex>

namespace kadenza::services::accounts {

void Sessions::add(StoredSession session) {
  const std::unique_lock lock(mutex_);
  if (entries_.size() >= kMax) make_room();
  Entry& entry = entries_[session.token];
  entry.principal = std::move(session.principal);
  entry.expires = session.expires;
  entry.saved = session.expires;
}

void Sessions::make_room() {
  const auto first = std::ranges::min_element(
      entries_, {}, [](const auto& entry) { return entry.second.expires.load(std::memory_order_relaxed); });
  entries_.erase(first);
}

std::optional<Sessions::Check> Sessions::check(const core::Digest& token, core::WallTime now) const {
  const std::shared_lock lock(mutex_);
  const auto found = entries_.find(token);
  if (found == entries_.end()) return std::nullopt;
  Entry& entry = found->second;
  const core::WallTime expires = entry.expires.load(std::memory_order_relaxed);
  if (expires <= now) return std::nullopt;

  const core::WallTime later = now + kLifetime;
  // A write to shared memory at every request would make the cores wait for each other.
  if (later - expires >= std::chrono::minutes(1)) entry.expires.store(later, std::memory_order_relaxed);
  core::WallTime saved = entry.saved.load(std::memory_order_relaxed);
  const bool worth_saving = later - saved >= kWorthSaving &&
                            entry.saved.compare_exchange_strong(saved, later, std::memory_order_relaxed);
  return Check{entry.principal, worth_saving};
}

bool Sessions::remove(const core::Digest& token) {
  const std::unique_lock lock(mutex_);
  return entries_.erase(token) > 0;
}

void Sessions::remove_user(std::string_view user) {
  const std::unique_lock lock(mutex_);
  std::erase_if(entries_, [&](const auto& entry) { return entry.second.principal.user == user; });
}

std::vector<StoredSession> Sessions::all(core::WallTime now) const {
  const std::shared_lock lock(mutex_);
  std::vector<StoredSession> sessions;
  sessions.reserve(entries_.size());
  for (const auto& [token, entry] : entries_) {
    const core::WallTime expires = entry.expires.load(std::memory_order_relaxed);
    if (expires > now) sessions.push_back({token, entry.principal, expires});
  }
  return sessions;
}

}  // namespace kadenza::services::accounts
