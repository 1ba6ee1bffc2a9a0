// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/search/index_updater.hpp"

#include <utility>

namespace kadenza::services::search {
namespace {

// How often a quiet index is looked after: an index that a search found damaged waits no longer than this.
constexpr std::chrono::seconds kQuiet{10};
constexpr std::chrono::seconds kAfterError{1};

}  // namespace

IndexUpdater::IndexUpdater(SearchIndex& index, OnError on_error, std::chrono::milliseconds pause)
    : index_(index), on_error_(std::move(on_error)), pause_(pause), thread_([this] { run(); }) {}

IndexUpdater::~IndexUpdater() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void IndexUpdater::notify() {
  {
    const std::lock_guard lock(mutex_);
    pending_ = true;
  }
  changed_.notify_one();
}

void IndexUpdater::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    changed_.wait_for(lock, kQuiet, [this] { return pending_ || stopping_; });
    pending_ = false;
    core::Result<bool> more = true;
    while (more && *more && !stopping_) {
      lock.unlock();
      more = index_.update();
      lock.lock();
    }
    if (!more) {
      lock.unlock();
      on_error_(more.error());
      lock.lock();
      pending_ = true;
    }
    changed_.wait_for(lock, more ? pause_ : kAfterError, [this] { return stopping_; });
  }
}

}  // namespace kadenza::services::search
