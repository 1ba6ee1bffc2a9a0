// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/error.hpp"
#include "core/unique_fd.hpp"

namespace kadenza::middleware {

/// How many bytes all spools together may still take. Outlives them; one thread.
struct SpoolBudget {
  std::uint64_t left;
};

/// Bytes kept to be read again: the first ones in memory, more in a file of the temporary folder that has no
/// name and is gone with this object. Blocking; one owner.
class Spool {
 public:
  static constexpr std::size_t kInMemory = 256u << 10;

  explicit Spool(SpoolBudget& budget) : budget_(budget) {}
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;
  ~Spool() { budget_.left += size_; }

  std::uint64_t size() const noexcept { return size_; }
  /// kNoSpace when the budget or the disk is used up.
  core::Result<void> append(std::span<const std::uint8_t> bytes);
  /// From `position` on, as much as there is and fits.
  core::Result<std::size_t> read(std::uint64_t position, std::span<std::uint8_t> into) const;

 private:
  core::Result<void> move_to_file();

  SpoolBudget& budget_;
  std::uint64_t size_ = 0;
  std::vector<std::uint8_t> memory_;
  core::UniqueFd file_;
};

}  // namespace kadenza::middleware
