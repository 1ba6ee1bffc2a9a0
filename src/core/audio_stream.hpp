// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/task.hpp"

namespace kadenza::core {

/// Part of a file: bytes offset … offset + length − 1.
struct ByteRange {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;

  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

/// Where the bytes of a stream lie in a file of this machine, for sendfile.
struct FileSlice {
  int descriptor = -1;  ///< owned by the stream
  ByteRange range;
};

/// The audio bytes of one range, in order, verified. One owner, one call at a time.
class AudioStream {
 public:
  virtual ~AudioStream() = default;

  /// Fills at most `out`; 0 at the end of the range. After an error the stream may be reopened at the byte
  /// reached.
  virtual Task<Result<std::size_t>> read(std::span<std::uint8_t> out, Deadline deadline) = 0;

  /// Set when the whole of what is left can be sent straight from a file instead of by read().
  virtual std::optional<FileSlice> file() const { return std::nullopt; }
};

}  // namespace kadenza::core
