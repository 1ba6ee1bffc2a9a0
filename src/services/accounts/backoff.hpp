// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <unordered_map>

#include "core/clock.hpp"

namespace kadenza::services::accounts {

/// Slows down guessing: after a few failures in a row a name must wait, twice as long after each further one.
/// Names that do not exist are treated alike, so that waiting tells nothing. Pure; one owner.
class Backoff {
 public:
  static constexpr unsigned kFreeFailures = 5;
  static constexpr std::chrono::seconds kFirstWait{1};
  static constexpr std::chrono::seconds kLongestWait{60};
  static constexpr std::size_t kNamesMax = 4096;  ///< the name that failed longest ago is forgotten first

  /// How long `name` must still wait; zero or less: it may try.
  core::Duration wait(const std::string& name, core::Instant now) const;
  void failed(const std::string& name, core::Instant now);
  void succeeded(const std::string& name);
  std::size_t size() const noexcept { return names_.size(); }

 private:
  struct Entry {
    unsigned failures = 0;
    core::Instant open_again{};
    std::list<std::string>::iterator age;
  };
  std::unordered_map<std::string, Entry> names_;
  std::list<std::string> by_age_;  ///< front: failed longest ago
};

}  // namespace kadenza::services::accounts
