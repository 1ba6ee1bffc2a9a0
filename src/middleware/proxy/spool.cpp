// SPDX-License-Identifier: AGPL-3.0-or-later
#include "middleware/proxy/spool.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

namespace kadenza::middleware {
namespace {

std::filesystem::path temporary_folder() {
  std::error_code unusable;
  const auto folder = std::filesystem::temp_directory_path(unusable);
  return unusable ? std::filesystem::path("/tmp") : folder;
}

std::unexpected<core::Error> cannot_keep(int why) {
  return core::fail(
      core::Errc::kNoSpace,
      fmt::format("Cannot keep the upload in {}: {}. Free some space there, or name another folder "
                  "in TMPDIR.",
                  temporary_folder().string(), std::generic_category().message(why)));
}

core::Result<void> write_all(int file, std::span<const std::uint8_t> bytes, std::uint64_t position) {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(position));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return cannot_keep(errno);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    position += static_cast<std::uint64_t>(count);
  }
  return {};
}

}  // namespace

core::Result<void> Spool::move_to_file() {
  std::string name = (temporary_folder() / "kadenza-proxy-XXXXXX").string();
  file_.reset(::mkostemp(name.data(), O_CLOEXEC));
  if (!file_) return cannot_keep(errno);
  ::unlink(name.c_str());
  KADENZA_TRY_VOID(write_all(file_.get(), memory_, 0));
  memory_ = {};
  return {};
}

core::Result<void> Spool::append(std::span<const std::uint8_t> bytes) {
  if (bytes.size() > budget_.left) {
    return core::fail(core::Errc::kNoSpace,
                      "Too many uploads pass this proxy at the same time. Try again when some have ended.");
  }
  if (!file_ && size_ + bytes.size() > kInMemory) KADENZA_TRY_VOID(move_to_file());
  if (file_) {
    KADENZA_TRY_VOID(write_all(file_.get(), bytes, size_));
  } else {
    memory_.insert(memory_.end(), bytes.begin(), bytes.end());
  }
  size_ += bytes.size();
  budget_.left -= bytes.size();
  return {};
}

core::Result<std::size_t> Spool::read(std::uint64_t position, std::span<std::uint8_t> into) const {
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(size_ - position, into.size()));
  if (!file_) {
    std::copy_n(memory_.begin() + static_cast<std::ptrdiff_t>(position), wanted, into.begin());
    return wanted;
  }
  std::size_t filled = 0;
  while (filled < wanted) {
    const ssize_t count =
        ::pread(file_.get(), into.data() + filled, wanted - filled, static_cast<off_t>(position + filled));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return core::fail(core::Errc::kInternal, "The kept upload cannot be read again.");
    filled += static_cast<std::size_t>(count);
  }
  return filled;
}

}  // namespace kadenza::middleware
