// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace kadenza::services::media {

/// The one file of a worker, read by position with a small window kept, so that TagLib and FFmpeg together
/// need few system calls. Reading what has not arrived yet waits for it. One owner.
class FileSource {
 public:
  FileSource(int descriptor, std::uint64_t size) : descriptor_(descriptor), size_(size) {}
  /// A file that will have `size` bytes: a byte comes on the socket `news` when there is more of it.
  FileSource(int descriptor, std::uint64_t size, int news)
      : descriptor_(descriptor), size_(size), news_(news) {}

  std::uint64_t size() const noexcept { return size_; }

  /// Fills as much of `out` as there is from `offset` on; fewer bytes only at the end or after a read error.
  std::size_t read(std::uint64_t offset, std::span<std::uint8_t> out);

 private:
  std::size_t read_file(std::uint64_t offset, std::span<std::uint8_t> out);
  /// Waits until the file has grown; false when it will not grow.
  bool wait_for_more();

  const int descriptor_;
  const std::uint64_t size_;
  int news_ = -1;  ///< none when the file is whole
  std::vector<std::uint8_t> window_;
  std::uint64_t window_offset_ = 0;
};

}  // namespace kadenza::services::media
