// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "core/error.hpp"

namespace kadenza::services::blobs {

/// How many bytes a store holds, has promised to uploads under way, and may hold. Thread-safe: one lock,
/// never held during IO.
class Usage {
 public:
  explicit Usage(std::uint64_t capacity_bytes) noexcept : capacity_(capacity_bytes) {}

  std::uint64_t capacity() const noexcept { return capacity_; }

  /// Sets `bytes` aside for an upload; kNoSpace when they do not fit. With a capacity it waits until what is
  /// stored has been counted.
  core::Result<void> reserve(std::uint64_t bytes);
  void release(std::uint64_t bytes);

  void add_stored(std::int64_t bytes);
  /// Everything on disk has been added.
  void counted();
  /// Waits for counted().
  std::uint64_t stored() const;

 private:
  void wait_until_counted(std::unique_lock<std::mutex>& lock) const;

  const std::uint64_t capacity_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  bool counted_ = false;
  std::int64_t stored_ = 0;
  std::uint64_t reserved_ = 0;
};

}  // namespace kadenza::services::blobs
