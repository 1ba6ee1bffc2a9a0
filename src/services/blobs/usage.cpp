// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/blobs/usage.hpp"

#include <fmt/format.h>

#include "core/check.hpp"
#include "services/blobs/blob_store.hpp"

namespace kadenza::services::blobs {

void Usage::wait_until_counted(std::unique_lock<std::mutex>& lock) const {
  changed_.wait(lock, [this] { return counted_; });
}

core::Result<void> Usage::reserve(std::uint64_t bytes) {
  std::unique_lock lock(mutex_);
  if (capacity_ != BlobStore::kUnlimited) {
    wait_until_counted(lock);
    const auto taken = static_cast<std::uint64_t>(stored_) + reserved_;
    if (taken > capacity_ || bytes > capacity_ - taken) {
      return core::fail(core::Errc::kNoSpace,
                        fmt::format("the node's configured capacity of {} bytes is used up: {} bytes are "
                                    "stored or being received, {} more were asked for",
                                    capacity_, taken, bytes));
    }
  }
  reserved_ += bytes;
  return {};
}

void Usage::release(std::uint64_t bytes) {
  const std::scoped_lock lock(mutex_);
  KADENZA_CHECK(bytes <= reserved_);
  reserved_ -= bytes;
}

void Usage::add_stored(std::int64_t bytes) {
  const std::scoped_lock lock(mutex_);
  stored_ += bytes;
}

void Usage::counted() {
  {
    const std::scoped_lock lock(mutex_);
    counted_ = true;
  }
  changed_.notify_all();
}

std::uint64_t Usage::stored() const {
  std::unique_lock lock(mutex_);
  wait_until_counted(lock);
  return static_cast<std::uint64_t>(stored_);
}

}  // namespace kadenza::services::blobs
