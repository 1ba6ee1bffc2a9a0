// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/accounts/backoff.hpp"

#include <algorithm>

namespace kadenza::services::accounts {

core::Duration Backoff::wait(const std::string& name, core::Instant now) const {
  const auto entry = names_.find(name);
  return entry == names_.end() ? core::Duration::zero() : entry->second.open_again - now;
}

void Backoff::failed(const std::string& name, core::Instant now) {
  auto [entry, fresh] = names_.try_emplace(name);
  if (fresh) {
    entry->second.age = by_age_.insert(by_age_.end(), name);
  } else {
    by_age_.splice(by_age_.end(), by_age_, entry->second.age);
  }
  Entry& state = entry->second;
  ++state.failures;
  if (state.failures >= kFreeFailures) {
    const unsigned doublings = std::min(state.failures - kFreeFailures, 6u);
    state.open_again = now + std::min<core::Duration>(kFirstWait * (1u << doublings), kLongestWait);
  }
  if (names_.size() > kNamesMax) {
    names_.erase(by_age_.front());
    by_age_.pop_front();
  }
}

void Backoff::succeeded(const std::string& name) {
  const auto entry = names_.find(name);
  if (entry == names_.end()) return;
  by_age_.erase(entry->second.age);
  names_.erase(entry);
}

}  // namespace kadenza::services::accounts
