// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "interface/console.hpp"

namespace kadenza::interface {

/// One line that shows how far a transfer is, redrawn at most ten times a second; nothing when errors do not
/// go to a terminal. One thread.
class Progress {
 public:
  using Clock = std::chrono::steady_clock;

  /// `items`: how many files there are; 0 leaves their count out.
  Progress(Console& console, std::uint64_t bytes, std::size_t items, Clock::time_point now = Clock::now());
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();

  /// Negative when bytes will be sent again.
  void moved(std::int64_t bytes);
  void item_done();
  /// Bytes that will not be moved after all.
  void skipped(std::uint64_t bytes);
  void set_total(std::uint64_t bytes) { total_ = bytes; }

  /// The line as it looks at `now`, `width` columns at most.
  std::string line(Clock::time_point now, std::size_t width) const;

 private:
  void draw();
  void erase();

  Console& console_;
  std::uint64_t total_;
  std::size_t items_;
  Clock::time_point start_;
  Clock::time_point drawn_{};
  std::int64_t done_ = 0;
  std::size_t items_done_ = 0;
  bool visible_ = false;
};

}  // namespace kadenza::interface
