// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/blobs/store_state.hpp"

#include <cerrno>
#include <filesystem>
#include <functional>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "core/sha256.hpp"
#include "services/blobs/posix_error.hpp"

namespace kadenza::services::blobs {
namespace {

constexpr std::string_view kBase32 = "abcdefghijklmnopqrstuvwxyz234567";

unsigned folder_of(const core::Digest& digest) {
  return static_cast<unsigned>(digest.bytes[0]) << 2 | digest.bytes[1] >> 6;
}

std::string folder_name(unsigned folder) {
  return {kBase32[folder >> 5], kBase32[folder & 31]};
}

std::string blob_path(const core::Digest& digest) {
  const auto text = digest.text();
  return fmt::format("{}/{}", text.substr(0, 2), text);
}

core::Result<core::UniqueFd> open_subfolder(int parent, const std::string& name) {
  if (::mkdirat(parent, name.c_str(), 0700) == 0) {
    if (::fsync(parent) != 0) return posix_failure(errno, "sync the blob folder");
  } else if (errno != EEXIST) {
    return posix_failure(errno, fmt::format("create the folder {}", name));
  }
  core::UniqueFd folder(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return posix_failure(errno, fmt::format("open the folder {}", name));
  return folder;
}

/// Calls `visit` with the name of each entry of a folder.
void for_each_entry(int parent, const std::string& name, const std::function<void(int, const char*)>& visit) {
  const int fd = ::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  DIR* entries = ::fdopendir(fd);
  if (!entries) {
    ::close(fd);
    return;
  }
  while (const auto* entry = ::readdir(entries)) {
    if (entry->d_name[0] != '.') visit(fd, entry->d_name);
  }
  ::closedir(entries);
}

/// Whether an open file has exactly this content.
bool is_whole(int file, const core::Digest& digest, std::uint64_t size) {
  struct stat status {};
  if (::fstat(file, &status) != 0 || static_cast<std::uint64_t>(status.st_size) != size) return false;
  core::Sha256 hash;
  std::vector<std::uint8_t> buffer(256 * 1024);
  for (std::uint64_t offset = 0; offset < size;) {
    const auto got = ::pread(file, buffer.data(), buffer.size(), static_cast<off_t>(offset));
    if (got <= 0) return false;
    hash.update(std::span(buffer.data(), static_cast<std::size_t>(got)));
    offset += static_cast<std::uint64_t>(got);
  }
  return hash.finish() == digest;
}

}  // namespace

core::Result<std::unique_ptr<StoreState>> StoreState::open(const BlobStore::Options& options) {
  std::unique_ptr<StoreState> state(new StoreState(options.capacity_bytes));
  KADENZA_TRY_VOID(state->open_folders(options.folder));
  KADENZA_TRY_VOID(state->clear_staging());
  state->counter_ =
      std::jthread([raw = state.get()](const std::stop_token& stop) { raw->count_stored(stop); });
  return state;
}

StoreState::~StoreState() {
  hashers_.join();
}

core::Result<void> StoreState::open_folders(const std::filesystem::path& root) {
  std::error_code error;
  std::filesystem::create_directories(root, error);
  if (error) return posix_failure(error.value(), fmt::format("create the folder {}", root.string()));
  root_.reset(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root_) return posix_failure(errno, fmt::format("open the folder {}", root.string()));

  lock_.reset(::openat(root_.get(), "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock_) return posix_failure(errno, fmt::format("open the lock file in {}", root.string()));
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return posix_failure(errno, fmt::format("lock the folder {}", root.string()));
    return core::fail(core::Errc::kConflict,
                      fmt::format("the folder {} is in use by another node; stop that node, or give this one "
                                  "a folder of its own",
                                  root.string()));
  }
  KADENZA_TRY(staging_, open_subfolder(root_.get(), "staging"));
  KADENZA_TRY(objects_, open_subfolder(root_.get(), "objects"));
  return {};
}

core::Result<void> StoreState::clear_staging() {
  int failure = 0;
  for_each_entry(root_.get(), "staging", [&](int folder, const char* name) {
    if (::unlinkat(folder, name, 0) != 0) failure = errno;
  });
  if (failure != 0) return posix_failure(failure, "clear what an earlier run left in the staging folder");
  return {};
}

void StoreState::count_stored(const std::stop_token& stop) {
  for (unsigned folder = 0; folder < kFolders && !stop.stop_requested(); ++folder) count_folder(folder);
  usage_.counted();
}

void StoreState::count_folder(unsigned folder) {
  const std::scoped_lock lock(folder_lock(folder));
  std::int64_t bytes = 0;
  for_each_entry(objects_.get(), folder_name(folder), [&](int parent, const char* name) {
    struct stat status {};
    if (::fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) == 0) bytes += status.st_size;
  });
  usage_.add_stored(bytes);
  folder_counted_[folder] = true;
}

void StoreState::add_stored(unsigned folder, std::int64_t bytes) {
  if (folder_counted_[folder]) usage_.add_stored(bytes);
}

core::Result<StoreState::NewFile> StoreState::create_staging_file() {
  NewFile file;
  file.name = std::to_string(next_staging_name_++);
  file.fd.reset(::openat(staging_.get(), file.name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.fd) return posix_failure(errno, "create a staging file");
  return file;
}

void StoreState::discard_staging_file(const std::string& name) noexcept {
  ::unlinkat(staging_.get(), name.c_str(), 0);
}

core::Result<core::UniqueFd> StoreState::open_staging_file(const std::string& name) const {
  core::UniqueFd file(::openat(staging_.get(), name.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return posix_failure(errno, "open a staging file");
  return file;
}

core::Result<void> StoreState::place(const std::string& staging_name, const core::Digest& digest,
                                     std::uint64_t size) {
  const auto folder = folder_of(digest);
  const auto path = blob_path(digest);
  const std::scoped_lock lock(folder_lock(folder));
  std::int64_t size_before = 0;
  if (const core::UniqueFd present(::openat(objects_.get(), path.c_str(), O_RDONLY | O_CLOEXEC)); present) {
    if (is_whole(present.get(), digest, size)) {
      discard_staging_file(staging_name);
      return {};
    }
    struct stat status {};
    if (::fstat(present.get(), &status) == 0) size_before = status.st_size;
  }
  if (::renameat(staging_.get(), staging_name.c_str(), objects_.get(), path.c_str()) != 0)
    return posix_failure(errno, "move a received file to its place");
  add_stored(folder, static_cast<std::int64_t>(size) - size_before);
  return {};
}

core::Result<void> StoreState::publish(const std::string& staging_name, const core::Digest& digest,
                                       std::uint64_t size) {
  KADENZA_TRY(const auto folder, open_subfolder(objects_.get(), folder_name(folder_of(digest))));
  KADENZA_TRY_VOID(place(staging_name, digest, size));
  // Also when the blob was there: whoever put it there may not have synced its folder yet.
  if (::fsync(folder.get()) != 0) return posix_failure(errno, "sync the folder of a received file");
  return {};
}

bool StoreState::contains(const core::Digest& digest) const {
  return ::faccessat(objects_.get(), blob_path(digest).c_str(), F_OK, 0) == 0;
}

core::Result<core::UniqueFd> StoreState::open_blob(const core::Digest& digest) const {
  core::UniqueFd file(::openat(objects_.get(), blob_path(digest).c_str(), O_RDONLY | O_CLOEXEC));
  if (file) return file;
  if (errno == ENOENT) return core::fail(core::Errc::kNotFound, "this node does not store that file");
  return posix_failure(errno, "open a stored file");
}

core::Result<void> StoreState::remove(const core::Digest& digest) {
  const auto folder = folder_of(digest);
  const auto path = blob_path(digest);
  const std::scoped_lock lock(folder_lock(folder));
  struct stat status {};
  if (::fstatat(objects_.get(), path.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 ||
      ::unlinkat(objects_.get(), path.c_str(), 0) != 0) {
    if (errno == ENOENT) return core::fail(core::Errc::kNotFound, "this node does not store that file");
    return posix_failure(errno, "remove a stored file");
  }
  add_stored(folder, -static_cast<std::int64_t>(status.st_size));
  return {};
}

core::Result<void> StoreState::for_each(const std::function<bool(const core::Digest&)>& visit) const {
  for (unsigned folder = 0; folder < kFolders; ++folder) {
    // Gathered first: `visit` may remove blobs, and must not hold the folder open.
    std::vector<core::Digest> digests;
    for_each_entry(objects_.get(), folder_name(folder), [&](int, const char* name) {
      if (const auto digest = core::Digest::parse(name)) digests.push_back(*digest);
    });
    for (const auto& digest : digests) {
      if (!visit(digest)) return {};
    }
  }
  return {};
}

core::Result<void> StoreState::check_disk_space(std::uint64_t bytes) const {
  struct statvfs disk {};
  if (::fstatvfs(root_.get(), &disk) != 0) return posix_failure(errno, "read how full the disk is");
  const auto available = static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
  if (bytes <= available) return {};
  return core::fail(
      core::Errc::kNoSpace,
      fmt::format("the disk has {} bytes left, {} were asked for; free some space", available, bytes));
}

}  // namespace kadenza::services::blobs
