// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "core/error.hpp"
#include "services/search/search_index.hpp"

namespace kadenza::services::search {

/// Keeps an index up to date from a thread of its own: at start, and after every notify(). Commits are at
/// least `pause` apart, so a burst of uploads shares a few of them, and every song is found within
/// `pause` plus one commit. The destructor finishes the batch under way and stops.
class IndexUpdater {
 public:
  using OnError = std::function<void(const core::Error&)>;

  /// `on_error` hears of failed updates, which are tried again after a second.
  IndexUpdater(SearchIndex& index, OnError on_error,
               std::chrono::milliseconds pause = std::chrono::milliseconds(200));
  ~IndexUpdater();

  /// The catalogue has new rows. Never blocks.
  void notify();

 private:
  void run();

  SearchIndex& index_;
  const OnError on_error_;
  const std::chrono::milliseconds pause_;
  std::mutex mutex_;  // guards the two below
  bool pending_ = true;
  bool stopping_ = false;
  std::condition_variable changed_;
  std::thread thread_;  // last, so that it starts when the rest is there
};

}  // namespace kadenza::services::search
