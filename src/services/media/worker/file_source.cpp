// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/media/worker/file_source.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include <unistd.h>

namespace kadenza::services::media {
namespace {

constexpr std::size_t kWindowBytes = 64 * 1024;

}  // namespace

bool FileSource::wait_for_more() {
  if (news_ < 0) return false;
  // Many pieces of news are as good as one: what there is of the file, the next read of it finds.
  std::array<std::uint8_t, 64> news;
  ssize_t got = 0;
  do {
    got = ::read(news_, news.data(), news.size());
  } while (got < 0 && errno == EINTR);
  if (got <= 0) news_ = -1;
  return got > 0;
}

std::size_t FileSource::read_file(std::uint64_t offset, std::span<std::uint8_t> out) {
  std::size_t filled = 0;
  while (filled < out.size()) {
    const auto got =
        ::pread(descriptor_, out.data() + filled, out.size() - filled, static_cast<off_t>(offset + filled));
    if (got < 0 && errno == EINTR) continue;
    if (got == 0 && offset + filled < size_ && wait_for_more()) continue;
    if (got <= 0) break;
    filled += static_cast<std::size_t>(got);
  }
  return filled;
}

std::size_t FileSource::read(std::uint64_t offset, std::span<std::uint8_t> out) {
  if (offset >= size_) return 0;
  out = out.first(std::min<std::uint64_t>(out.size(), size_ - offset));
  const bool in_window = offset >= window_offset_ && offset + out.size() <= window_offset_ + window_.size();
  if (!in_window) {
    if (out.size() >= kWindowBytes / 2) return read_file(offset, out);
    window_.resize(std::min<std::uint64_t>(kWindowBytes, size_ - offset));
    window_.resize(read_file(offset, window_));
    window_offset_ = offset;
  }
  const auto available = window_offset_ + window_.size() - offset;
  const auto count = std::min<std::uint64_t>(out.size(), available);
  std::copy_n(window_.begin() + static_cast<std::ptrdiff_t>(offset - window_offset_), count, out.begin());
  return count;
}

}  // namespace kadenza::services::media
