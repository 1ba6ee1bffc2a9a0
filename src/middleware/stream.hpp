// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "core/error.hpp"
#include "core/task.hpp"
#include "middleware/extent.hpp"
#include "middleware/failover.hpp"

namespace kadenza::middleware {

std::optional<Extent> extent_of(const Response& response);

/// The body of an answer to GET, from whichever node has it: when one dies or stalls, reading goes on at the
/// same byte from the next. One owner, one call at a time; not beyond its Failover.
class Stream {
 public:
  static constexpr unsigned kFruitlessMax = 8;  ///< times in a row without a single byte

  /// `first`: the answer to `request`, nothing of which was read yet; `extent`: its own.
  Stream(Failover& nodes, Request request, Response first, Extent extent);

  /// 0 = the end. kCorrupted when the nodes do not agree on the file; kUnavailable when none has the rest.
  core::Task<core::Result<std::size_t>> read(std::span<std::uint8_t> into);
  const Extent& extent() const noexcept { return extent_; }
  std::uint64_t position() const noexcept { return position_; }  ///< in the whole file
  const Endpoint& source() const noexcept { return source_; }    ///< of the bytes read last

 private:
  core::Task<core::Result<std::size_t>> read_here(std::span<std::uint8_t> into);
  core::Task<core::Result<void>> resume();

  Failover& nodes_;
  Request request_;
  Extent extent_;
  std::uint64_t position_;
  std::optional<Response> response_;
  Endpoint source_;
  unsigned fruitless_ = 0;
};

}  // namespace kadenza::middleware
