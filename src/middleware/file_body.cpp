// SPDX-License-Identifier: AGPL-3.0-or-later
#include "middleware/file_body.hpp"

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kadenza::middleware {
namespace {

std::unexpected<core::Error> cannot_read(const std::filesystem::path& file) {
  const int number = errno;
  const core::Errc code = number == ENOENT ? core::Errc::kNotFound : core::Errc::kInvalidArgument;
  return core::fail(
      code, fmt::format("Cannot read {}: {}.", file.string(), std::generic_category().message(number)));
}

}  // namespace

core::Result<std::unique_ptr<FileBody>> FileBody::open(const std::filesystem::path& file, Progress progress) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return cannot_read(file);
  std::unique_ptr<FileBody> body(new FileBody(file, descriptor, 0, std::move(progress)));
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) return cannot_read(file);
  if (!S_ISREG(status.st_mode)) {
    return core::fail(core::Errc::kInvalidArgument, fmt::format("{} is not a file.", file.string()));
  }
  body->size_ = static_cast<std::uint64_t>(status.st_size);
  return body;
}

FileBody::FileBody(std::filesystem::path file, int descriptor, std::uint64_t size, Progress progress)
    : file_(std::move(file)), descriptor_(descriptor), size_(size), progress_(std::move(progress)) {}

FileBody::~FileBody() {
  ::close(descriptor_);
}

core::Task<core::Result<std::size_t>> FileBody::read(std::span<std::uint8_t> into) {
  std::size_t filled = 0;
  while (filled < into.size()) {
    const ssize_t count = ::pread(descriptor_, into.data() + filled, into.size() - filled,
                                  static_cast<off_t>(offset_ + filled));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) co_return cannot_read(file_);
    if (count == 0) break;
    filled += static_cast<std::size_t>(count);
  }
  offset_ += filled;
  if (progress_) progress_(static_cast<std::int64_t>(filled));
  co_return filled;
}

core::Result<void> FileBody::rewind() {
  if (progress_) progress_(-static_cast<std::int64_t>(offset_));
  offset_ = 0;
  return {};
}

}  // namespace kadenza::middleware
