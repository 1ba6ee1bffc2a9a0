// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace kadenza::services::media {

/// The one file of a worker, read by position with a small window kept, so that TagLib and FFmpeg together
/// need few system calls. One owner.
class FileSource {
 public:
  FileSource(int descriptor, std::uint64_t size) : descriptor_(descriptor), size_(size) {}

  std::uint64_t size() const noexcept { return size_; }

  /// Fills as much of `out` as there is from `offset` on; fewer bytes only at the end or after a read error.
  std::size_t read(std::uint64_t offset, std::span<std::uint8_t> out);

 private:
  std::size_t read_file(std::uint64_t offset, std::span<std::uint8_t> out) const;

  const int descriptor_;
  const std::uint64_t size_;
  std::vector<std::uint8_t> window_;
  std::uint64_t window_offset_ = 0;
};

}  // namespace kadenza::services::media
